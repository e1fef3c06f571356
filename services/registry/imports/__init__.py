"""Imports: a source's list becomes a diff, then changes."""
