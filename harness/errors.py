"""What a user is told when something that they wrote or asked for cannot be."""


class UserError(Exception):
    """One line that says what is wrong, where, and what would be right.

    The command line prints it and ends with exit code 2.
    """
