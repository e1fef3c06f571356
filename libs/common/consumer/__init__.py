"""Consuming Kafka: batches, failures sorted once, offsets, the inbox."""
