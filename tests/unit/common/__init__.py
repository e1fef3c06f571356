"""The plumbing without a database or a broker."""
