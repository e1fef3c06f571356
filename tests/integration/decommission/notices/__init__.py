"""Notices: what a unit is told, the receipt that proves it, and the unit's answer."""
