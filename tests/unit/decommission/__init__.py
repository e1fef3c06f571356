"""The pure parts of decommission: what a log amounts to, the next move, limits, plans, receipts, case files."""
