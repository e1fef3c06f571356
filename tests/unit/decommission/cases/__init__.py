"""Cases: the log, what it amounts to, and the next move."""
