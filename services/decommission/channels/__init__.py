"""Channels: by what a unit is told what it has to know."""
