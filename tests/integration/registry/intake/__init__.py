"""The registry: intake."""
