"""What measurements in targets took."""

from dataclasses import dataclass

from harness.real.host.interference import Interference


@dataclass(frozen=True, slots=True)
class Sample:
    """What a number of events took, without their preparation and the channel."""

    seconds: float
    """By this machine's clock."""
    inside_seconds: float
    """By the target's clock."""
    processor_seconds: float
    """Of the whole process tree of the target, read outside it."""
    condition: Interference
    """What the machine was like meanwhile."""


@dataclass(frozen=True, slots=True)
class ExchangeSample:
    """What a number of exchanges over a target's network took."""

    seconds: float
    """By this machine's clock, from the first byte sent to the last one received."""
    processor_seconds: float
    """Of the whole process tree of the target, read outside it; not of this process, the other side
    of the exchange."""
    condition: Interference
    """What the machine was like meanwhile."""
