"""The roles a token may claim, and the sets of them that routes ask for."""

ROLES = frozenset({"viewer", "registrar", "unit", "agent", "operator", "approver", "auditor", "clock"})
SENDERS = ("unit", "agent", "registrar")  # the roles of those who send records
