"""Announcements: what the public is told of closures."""
