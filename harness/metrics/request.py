"""Requests that a user reports through Locust's ``request`` event, as ``@transaction`` does."""

from typing import Any

from workloads.arguments import number, shown

MOST_MS = 1e12
"""The longest response time that a request may have, in milliseconds."""


def owner(context: Any) -> Any:
    """Return the user of a request: that of its context, or of the task set there.

    Raises
    ------
    LookupError, TypeError, AttributeError
        If there is none.
    """
    user = context["user"]
    return user if hasattr(user, "labels") else user.user


def problem(name: object, response_time: object, context: object) -> str:
    """Say why a reported request is none: whose, how long, or what it is is not told."""
    try:
        owner(context).labels  # noqa: B018
    except (LookupError, TypeError, AttributeError):
        return (
            f"request {shown(name)} is reported without its user: mark the task with "
            "workloads.user.transaction, or fire with context={'user': self}"
        )
    if not isinstance(name, str):
        return f"a request is reported with name={shown(name)}: must be text"
    milliseconds = number(response_time)
    if milliseconds is None or not 0.0 <= milliseconds <= MOST_MS:
        return (
            f"request {shown(name)} is reported with response_time={shown(response_time)}: must "
            "be a finite number of milliseconds, not below 0"
        )
    return ""
