"""Tombstones 关停公示: the effects of cases on assets, and the public page of each closed asset."""
