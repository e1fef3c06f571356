"""Reading from Kafka: the client with what is mended in it, fetches, end offsets."""
