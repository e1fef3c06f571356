"""One address for the three services."""
