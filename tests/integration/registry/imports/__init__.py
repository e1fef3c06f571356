"""The registry: imports."""
