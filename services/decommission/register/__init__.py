"""The registry's events: copies of its assets and units."""
