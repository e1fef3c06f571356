"""The parts of the local stack, one by one."""
