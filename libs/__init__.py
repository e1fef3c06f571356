"""Code that the three services share."""
