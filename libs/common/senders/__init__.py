"""Senders: who is set aside for what was refused of it, and its release."""
