"""Admissions: the sources that may report on which assets, and since when."""
