"""Published throughput of machines that differ in nothing but the number of processors."""

from harness.catalog import Constants
from harness.validation.mechanism import Mechanism
from harness.validation.minimal_model import build, catalog, keep_busy, partition
from harness.validation.prediction import Prediction
from harness.validation.published import FULL_SYSTEM

SECONDS = 0.5
"""Simulated time of a measurement."""


def throughput(constants: Constants, processors: int) -> float:
    """Keep one operating system on so many processors busy; return its work per second."""
    app = partition("app", processors, processors, FULL_SYSTEM)
    machine = build(constants, processors, app)
    keep_busy(machine.partitions["app"], 0.002, threads=2 * processors)
    machine.clock.run_until(round(SECONDS * 1e9))
    return machine.balance()[0]["app"]["user"] / 1e9 / SECONDS


def _scaling(machine: str, title: str, *, few: int = 0, many: int, note: str = "") -> Prediction:
    """Throughput of the entry ``many`` of a machine's table over that of the entry ``few``."""
    name = f"published.rperf.{machine}"
    points, values = catalog().nominal().table(name)
    less, more = round(points[few]), round(points[many])
    return Prediction(
        f"{title}, commercial load",
        f"throughput of {more} processors over {less}",
        "",
        name,
        lambda constants, _: throughput(constants, more) / throughput(constants, less),
        published=values[many] / values[few],
        mechanisms=(Mechanism.CONTENTION,),
        note=note,
    )


def calibrations() -> list[Prediction]:
    """Return the figures that set the constants."""
    return [
        _scaling("p5-510", "p5-510, POWER5 1.65 GHz", many=1),
        _scaling("p5-570", "p5-570, POWER5 1.9 GHz", many=4),
    ]


def predictions() -> list[Prediction]:
    """Return the predictions: the steps between, and other machines."""
    p570 = [_scaling("p5-570", "p5-570, POWER5 1.9 GHz", many=many) for many in (1, 2, 3)]
    return [
        *p570,
        _scaling("p5-550", "p5-550, POWER5+ 2.1 GHz", many=1),
        _scaling("p5-550q", "p5-550Q, POWER5+ 1.65 GHz", many=1),
        _scaling("570-power6", "570, POWER6 3.5 GHz", many=4),
    ]
