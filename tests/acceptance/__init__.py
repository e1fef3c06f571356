"""Stories told by the real processes: three services, Kafka, PostgreSQL, and a world outside them."""
