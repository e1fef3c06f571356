"""The registry: identity."""
