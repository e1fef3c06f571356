"""Checkpoints: the last hash of every log, signed daily."""
