"""Waits: waiting that nobody would hear of."""
