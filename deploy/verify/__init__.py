"""What a stranger needs to check a case file: one module that imports nothing of Jianfu."""
