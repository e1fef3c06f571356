"""Who reads what the monitor knows; a unit's token reads its own part of some of it."""

READERS = ("viewer", "operator", "approver", "auditor")
