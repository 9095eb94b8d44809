"""Locust users that put work on a partition, whatever stands behind it."""

import os
from importlib.metadata import entry_points
from typing import Any

# Importing Locust patches the whole process for gevent. Users on a simulated clock want none of
# that; a process that Locust itself has started is patched already and is not affected.
os.environ.setdefault("LOCUST_SKIP_MONKEY_PATCH", "1")

from locust import events


def _offer_platforms(parser: Any) -> None:
    """Let whoever has partitions to drive add options to Locust's command line."""
    for platform in entry_points(group="vtax.platforms"):
        platform.load()(parser)


events.init_command_line_parser.add_listener(_offer_platforms)  # type: ignore[no-untyped-call]
