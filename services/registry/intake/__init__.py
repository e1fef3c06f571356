"""Intake: what units' systems declare, over Kafka and HTTP."""
