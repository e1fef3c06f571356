"""What the monitor could not take, and its replay."""
