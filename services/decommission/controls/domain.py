"""The kill switch. Pure."""


class SwitchedOff(Exception):
    """The kill switch is on: nothing may leave this service."""
