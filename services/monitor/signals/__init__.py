"""Signals: values of an asset on a day, each declared once and read in one way."""
