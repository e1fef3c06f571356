"""Signals: what is known of an asset on a day, each declared once and read in one way."""
