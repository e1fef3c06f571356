"""Verification: what the public is told of an address or a closed asset."""
