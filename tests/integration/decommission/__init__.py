"""The decommission service on a real database, against a real little world that takes its webhooks."""
