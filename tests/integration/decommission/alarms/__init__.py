"""Alarms: what calls a person, and what ends the call."""
