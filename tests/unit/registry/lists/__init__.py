"""The registry: lists."""
