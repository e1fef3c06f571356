"""Jianfu measured side by side with what one would take instead, in the same run, on real parts."""
