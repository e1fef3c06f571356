"""Platforms, as data: hosts, pages, names."""
