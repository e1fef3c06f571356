"""The registry: tombstones."""
