"""Archive packages: BagIt bags, written and read back."""
