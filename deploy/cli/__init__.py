"""The `jianfu` command."""
