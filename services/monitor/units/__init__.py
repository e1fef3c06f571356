"""Units, by the monitor's copy of the register."""
