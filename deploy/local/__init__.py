"""The local stack: PostgreSQL, Apache Kafka, three services and a gateway, as children of one command."""
