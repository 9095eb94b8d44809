"""Errors that users meet: who wrote a campaign, and Locust's users on a partition."""

MOST_CHARACTERS = 800
"""Length of the longest message."""


class UserError(Exception):
    """One line that says what is wrong, where, and what would be right.

    The command line prints it and ends with exit code 2. What is longer than
    :data:`MOST_CHARACTERS` is shortened in the middle.
    """

    def __init__(self, message: str) -> None:
        if len(message) > MOST_CHARACTERS:
            half = MOST_CHARACTERS // 2 - 3
            message = f"{message[:half]} ... {message[-half:]}"
        super().__init__(message)


class PartitionDownError(OSError):
    """A partition has crashed, or something that it cannot do without."""
