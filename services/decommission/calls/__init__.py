"""Calls to the outside: signed orders and looks at pages."""
