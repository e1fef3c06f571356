"""Trials: one call to an address that was set up."""
