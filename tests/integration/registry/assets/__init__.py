"""The registry: assets."""
