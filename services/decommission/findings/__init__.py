"""Findings: what the monitor says of an asset, taken up by its case."""
