"""Connectors: how assets of a platform are stopped and restored."""
