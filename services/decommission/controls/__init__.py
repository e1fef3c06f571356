"""What an operator controls of the machine: the kill switch, and rounds."""
