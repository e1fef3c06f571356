"""Identity: the same thing written differently is the same thing."""
