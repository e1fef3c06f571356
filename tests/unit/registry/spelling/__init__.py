"""The registry: spelling."""
