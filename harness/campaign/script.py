"""A resolved scenario: what a worker carries out."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from harness.campaign.schema.scenario import Scenario
from harness.model.config import SystemConfiguration


class Script(Scenario):
    """A scenario whose names, times and quantities are checked and in SI units.

    Every step and rule has a name, every expectation the names and the interval that it is about.
    A quantity is a number, or the name of a constant, which has another value in each run; a
    tolerance may also be a share of the expected value, as a text. ``rests_on`` has the constants
    that are assumed.
    """

    other_machines: Mapping[str, SystemConfiguration]
    """Further machines by name; the scenario's own is the system of its cell."""
    limits: Mapping[str, Mapping[str, float]]
    """Partition -> the least and the most that it may have while it runs."""
    policies: Mapping[str, str]
    """Path of a policy file -> SHA-256 of its content."""

    @cached_property
    def parameters(self) -> dict[str, Any]:
        """What identifies it, without the system of its cell, as JSON."""
        own = {"machine", "active_cores", "os", "virtualization", "workload", "lan", "san"}
        own |= {"duration", "partitions", "vios", "machines"}
        return self.model_dump(mode="json", exclude=own, exclude_none=True)
