"""Heads of logs, as they were signed."""
