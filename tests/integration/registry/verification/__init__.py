"""The registry: verification."""
