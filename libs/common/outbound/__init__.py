"""Calls that leave: one door, bounded per target."""
