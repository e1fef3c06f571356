"""Verdicts and findings: what the monitor concludes, and why."""
