"""Migrations, applied by the owner of the schema."""
