"""The roles that read all that the monitor knows; a unit's token reads what belongs to its unit."""

READERS = ("viewer", "operator", "approver", "auditor")
