"""Probes: looks from outside whether an asset is there."""
