"""How Jianfu runs: the `jianfu` command and the local stack of real parts."""
