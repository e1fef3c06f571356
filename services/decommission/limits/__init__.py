"""Limits, windows and the kill switch."""
