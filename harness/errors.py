"""Errors that users meet: who wrote a campaign, and Locust's users on a partition."""


class UserError(Exception):
    """One line that says what is wrong, where, and what would be right.

    The command line prints it and ends with exit code 2.
    """


class PartitionDownError(OSError):
    """A partition has crashed, or something that it cannot do without."""
