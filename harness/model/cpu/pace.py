"""The pace of virtual processors: how much longer their work takes for what runs beside it.

The law is in :mod:`harness.model.cpu.contention`. Here it is applied to the burst that a virtual
processor executes, and what it costs is booked.
"""

from typing import Final

from mypy_extensions import i64

from harness.model.cpu.burst import Burst
from harness.model.cpu.contention import done_within, stretched
from harness.model.cpu.entities import Chip, VirtualProcessor
from harness.model.ledger import Books, Cause

_CONTENTION: Final = int(Cause.CONTENTION)


def set_pace(vp: VirtualProcessor, chip: Chip, burst: Burst) -> None:
    """Decide how long a burst takes that begins or goes on at ``work_ns``."""
    contention = chip.contention
    if not (contention.active and burst.computes):
        vp.slow_ns = 0
        vp.length_ns = burst.ns
        return
    vp.beside_chip = chip.running - 1
    vp.beside_image = vp.partition.running - 1
    vp.beside_machine = contention.running - 1
    vp.slow_ns = (
        vp.beside_chip * contention.chip_ns
        + vp.beside_image * contention.image_ns
        + vp.beside_machine * contention.machine_ns
    )
    vp.length_ns = stretched(burst.ns, vp.slow_ns)


def book_pace(vp: VirtualProcessor, burst: Burst) -> None:
    """Book what contention has added to a burst that is finished."""
    if vp.slow_ns > 0:
        burst.account.add(_CONTENTION, vp.length_ns - burst.ns)
        count_beside(vp, burst.ns)


def work_done(vp: VirtualProcessor, burst: Burst, elapsed_ns: i64, books: Books) -> i64:
    """Return the work of a burst that is done in a time, and book the rest as contention."""
    if vp.slow_ns == 0:
        return elapsed_ns
    done_ns = burst.ns
    if elapsed_ns < vp.length_ns:
        done_ns = done_within(elapsed_ns, vp.slow_ns)
    books.of(burst.account).add(_CONTENTION, elapsed_ns - done_ns)
    return done_ns


def count_beside(vp: VirtualProcessor, done_ns: i64) -> None:
    """Count work that contention slows down by the processors that ran beside it."""
    if vp.slow_ns == 0:
        return
    partition = vp.partition
    partition.beside_chip_ns += done_ns * vp.beside_chip
    partition.beside_image_ns += done_ns * vp.beside_image
    partition.beside_machine_ns += done_ns * vp.beside_machine
