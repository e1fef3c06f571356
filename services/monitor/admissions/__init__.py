"""Admissions: which sources may speak of what, and since when."""
