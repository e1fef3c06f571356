"""The roles a token may claim, and the sets of them that routes ask for."""

ROLES = frozenset({"viewer", "registrar", "unit", "agent", "operator", "approver", "auditor", "clock"})
SENDERS = ("unit", "agent", "registrar")  # the roles of those who send records
READERS = ("viewer", "operator", "approver", "auditor")  # they read all that a service knows
RECORD_READERS = ("viewer", "registrar", "operator", "approver", "auditor")  # the same, and who keeps the records
OVERSEERS = ("operator", "auditor")  # they read what was refused of anybody
