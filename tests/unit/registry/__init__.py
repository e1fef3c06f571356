"""What the registry decides, without a database."""
