"""The plumbing on a real PostgreSQL and a real Kafka."""
