"""Errors of campaigns and of operations on a partition."""

MOST_CHARACTERS = 800
"""Length of the longest message."""


class UserError(Exception):
    """An error of the user: one line with the error, its place and a correction.

    The command line prints it and ends with exit code 2. A text longer than
    :data:`MOST_CHARACTERS` is shortened in the middle.
    """

    def __init__(self, message: str) -> None:
        if len(message) > MOST_CHARACTERS:
            half = MOST_CHARACTERS // 2 - 3
            message = f"{message[:half]} ... {message[-half:]}"
        super().__init__(message)


class PartitionDownError(OSError):
    """A partition, or a device that it needs, has crashed."""
