"""The pure parts of the examples: what they read, what they play, what they expect."""
