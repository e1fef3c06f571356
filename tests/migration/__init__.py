"""Promise 9: what waited under a release goes on. `python -m tests.migration.record NAME` records one."""
