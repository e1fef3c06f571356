"""Plumbing: database, outbox, inbox, Kafka, HTTP, identity, clock; not one word of the domain."""
