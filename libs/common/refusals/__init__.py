"""What was refused of a sender: kept, read by it, parked and released."""
