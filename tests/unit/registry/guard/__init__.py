"""The registry: guard."""
