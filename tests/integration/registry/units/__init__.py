"""The registry: units."""
