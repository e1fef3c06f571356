"""Decommission owns what ends: cases, plans, notices, archive packages and verified closures."""
