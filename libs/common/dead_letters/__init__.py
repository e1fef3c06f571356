"""What a service could not take, and its replay."""
