"""The value of a record that stands for records that could not be read."""


class Unread(bytes):
    """The value of a record that stands for those from `first` to its own offset, which were not read; it is empty."""

    code: str
    reason: str
    first: int

    @classmethod
    def of(cls, code: str, reason: str, first: int) -> "Unread":
        made = cls()
        made.code, made.reason, made.first = code, reason, first
        return made

    def told(self, last: int) -> str:
        """The reason with the offsets it is about."""
        return f"{self.reason} (offsets {self.first} to {last})"
