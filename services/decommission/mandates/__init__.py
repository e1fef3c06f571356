"""Mandates: standing approvals of a rule."""
