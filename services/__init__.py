"""The services; none imports another."""

SERVICES = ("registry", "monitor", "decommission")
