"""Verdicts and findings: the conclusions of the monitor, and why."""
