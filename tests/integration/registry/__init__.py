"""The registry on a real PostgreSQL."""
