"""Tests that need a real PostgreSQL or a real Kafka."""
