"""Assets, by this service's copy of the register."""
