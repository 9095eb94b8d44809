"""Event profile of a program."""
