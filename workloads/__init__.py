"""Locust users that put work on a partition, whatever stands behind it."""

from importlib.metadata import entry_points
from typing import Any

# First of all: the package makes Locust leave the process as it is.
import harness.errors  # noqa: F401

# isort: split
from locust import events


def _offer_platforms(parser: Any) -> None:
    """Let packages that provide partitions add options to Locust's command line."""
    for platform in entry_points(group="vtax.platforms"):
        platform.load()(parser)


events.init_command_line_parser.add_listener(_offer_platforms)  # type: ignore[no-untyped-call]
