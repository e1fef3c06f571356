"""Deliberate breaks of the code, each with the test that must notice."""
