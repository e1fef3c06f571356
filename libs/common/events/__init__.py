"""The published language: the only thing the services share about each other."""
