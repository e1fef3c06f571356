"""The set-up: who changed what of it."""
