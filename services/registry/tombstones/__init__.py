"""Tombstones 关停公示: what cases did to assets, and the public page of each closed one."""
