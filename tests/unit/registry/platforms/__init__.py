"""The registry: platforms."""
