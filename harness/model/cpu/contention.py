"""Contention beyond the processor: what runs beside some work and makes it take longer.

The law is Gunther's Universal Scalability Law without its quadratic term, divided by what is
shared: a second of work takes longer by a constant for the other core of its chip (caches and the
way to memory), for each further processor of the same operating system image (its locks), and for
each further processor of the machine (memory bandwidth). Source: N. J. Gunther, *Guerrilla Capacity
Planning* (2007), chapter 4.

It slows an application's computing down: its own instructions, its system events, and what a
monitor does for these. The costs of protocol stacks, of block operations and of a Virtual I/O
Server were published as measured on whole machines, and contain it already.

How much longer work takes is decided when it begins, when its thread goes on, and at the end of a
time slice, by what runs at that moment. What starts or stops in between changes nothing until then.
What a dispatch and a clock tick cost does not change.
"""

from typing import Final

from mypy_extensions import i64

SECOND: Final = 1_000_000_000


class Contention:
    """What runs on a machine, and how much longer a second of work takes for it.

    Parameters
    ----------
    chip, image, machine
        By which part work takes longer for each further processor that runs on its chip, for its
        operating system image, and on its machine.

    Attributes
    ----------
    chip_ns, image_ns, machine_ns
        The same in nanoseconds for each second of work.
    active
        Whether one of them is above 0.
    running
        Processors of the machine that execute something.
    """

    def __init__(self, chip: float = 0.0, image: float = 0.0, machine: float = 0.0) -> None:
        self.chip_ns: i64 = round(chip * SECOND)
        self.image_ns: i64 = round(image * SECOND)
        self.machine_ns: i64 = round(machine * SECOND)
        self.active = self.chip_ns + self.image_ns + self.machine_ns > 0
        self.running: i64 = 0


def stretched(work_ns: i64, slow_ns: i64) -> i64:
    """Return how long work takes that each second takes so many nanoseconds longer."""
    seconds = work_ns // SECOND
    rest = work_ns % SECOND
    return work_ns + seconds * slow_ns + rest * slow_ns // SECOND


def done_within(elapsed_ns: i64, slow_ns: i64) -> i64:
    """Return how much work is done in a time if each second of it takes so much longer."""
    length = SECOND + slow_ns
    times = elapsed_ns // length
    rest = elapsed_ns % length
    return times * SECOND + rest * SECOND // length
