"""What a calibration makes of measurements, with targets whose true costs are known."""

import math
import os
import signal
from dataclasses import dataclass, field, replace
from io import StringIO

import numpy as np
import pytest
from programs import guest_programs
from rich.console import Console

from harness.cli.tables.calibration import calibration_table
from harness.real.calibration.calibration import MAXIMUM_BLOCKS, MINIMUM_BLOCKS, Calibration
from harness.real.host.interference import Interference, Sample
from harness.real.microbenchmarks import EVENTS, Microbenchmark
from harness.real.target.channel import RefusalError, TargetError
from harness.real.target.launcher import launcher
from harness.real.target.pool import TargetPool
from harness.real.target.target import TARGETS

CALLS, FORKS, FILES = (
    next(event for event in EVENTS if event.name == name) for name in ("calls", "forks", "files")
)


@dataclass
class Fake:
    """A target whose events cost what is said, with noise on each measurement."""

    name: str
    costs: dict[str, float]
    noise: float = 0.0
    offset: float = 0.0
    lasts: int = 10**9
    refuses: str = ""
    kernel: str = "6.1"
    clock: str = "tsc"
    ended: bool = False
    pid: int = 0
    measured: list[str] = field(default_factory=list)

    def __post_init__(self):
        self.random = np.random.default_rng(len(self.name))

    def measure(self, event: Microbenchmark, count: int) -> Sample:
        if event.name == self.refuses:
            raise RefusalError("no such thing here")
        if len(self.measured) >= self.lasts:
            raise TargetError("it was killed by signal 9")
        self.measured.append(event.name)
        inside = count * self.costs[event.name]
        seconds = inside * math.exp(self.noise * self.random.normal())
        return Sample(
            seconds + self.offset * self.random.normal(),
            inside,
            seconds / 2,
            Interference(0.2, 0.0),
        )

    def channel_seconds(self) -> float:
        return 1e-5

    def end(self) -> None:
        self.ended = True


def calibrated(*targets, events=(CALLS, FORKS), **options):
    calibration = Calibration(targets, events)
    for _ in calibration.run(**options):
        pass
    return calibration


def native(**options) -> Fake:
    return Fake("native", {"calls": 1e-7, "forks": 1e-4, "files": 1e-6}, **options)


def guest(name="qemu-tcg", **options) -> Fake:
    return Fake(name, {"calls": 6e-7, "forks": 1e-4, "files": 2e-6}, **options)


def test_without_noise_costs_and_ratios_are_exact_and_the_minimum_is_enough():
    calibration = calibrated(native(), guest())
    assert calibration.complete
    assert calibration.blocks == 8
    for event, cost, ratio in (("calls", 6e-7, 6.0), ("forks", 1e-4, 1.0)):
        found = calibration.estimate("qemu-tcg", event)
        assert found.seconds.estimate == pytest.approx(cost)
        assert found.processor_seconds.estimate == pytest.approx(cost / 2)
        assert found.ratio.estimate == pytest.approx(ratio)
        assert found.processor_ratio.estimate == pytest.approx(ratio)
        assert found.clocks == pytest.approx(1.0)
        assert (found.disturbed, found.others, found.stolen) == (8, pytest.approx(0.2), 0.0)
    assert calibration.estimate("native", "calls").ratio is None


def test_intervals_hold_the_true_ratio_as_often_as_they_say():
    held, trials = 0, 60
    for trial in range(trials):
        slow = guest(noise=0.1)
        slow.random = np.random.default_rng([7, trial])
        base = native(noise=0.1)
        base.random = np.random.default_rng([8, trial])
        calibration = calibrated(base, slow, events=(CALLS,), minimum=12, maximum=12)
        ratio = calibration.estimate("qemu-tcg", "calls").ratio
        held += ratio.low <= 6.0 <= ratio.high
    assert held >= 0.95 * trials - 3 * math.sqrt(trials * 0.95 * 0.05)


def test_what_only_the_first_time_takes_does_not_decide_how_many_events_are_measured():
    class Translating(Fake):
        def measure(self, event: Microbenchmark, count: int) -> Sample:
            first = event.name not in self.measured
            sample = super().measure(event, count)
            return replace(sample, inside_seconds=sample.inside_seconds + first * 1.0)

    slow = Translating("qemu-tcg", {"calls": 6e-7, "forks": 1e-4, "files": 2e-6})
    calibration = calibrated(native(), slow, batch_seconds=0.1)
    assert calibration.series["qemu-tcg", "calls"].count == pytest.approx(0.1 / 6e-7, rel=0.01)


def test_noise_makes_for_more_blocks_up_to_the_maximum():
    assert calibrated(native(noise=0.5), guest(noise=0.5)).blocks == MAXIMUM_BLOCKS
    assert 8 <= calibrated(native(noise=0.05), guest(noise=0.05)).blocks < MAXIMUM_BLOCKS


def test_when_time_is_up_no_block_begins_beyond_the_minimum():
    calibration = calibrated(native(noise=0.5), guest(noise=0.5), maximum_seconds=0.0)
    assert calibration.blocks == MINIMUM_BLOCKS
    assert calibration.complete


def test_the_page_faults_of_an_event_are_counted(agent, event):
    with launcher() as place:
        pool = TargetPool(place, agent)
        assert not pool.probe(["native"])
        events = [event("faults"), event("calls"), event("forks")]
        calibration = Calibration(pool.up, events)
        for _ in calibration.run(minimum=1, maximum=1, batch_seconds=0.02):
            pass
    faults = {name: series.faults for (_, name), series in calibration.series.items()}
    assert faults["faults"] == pytest.approx(1.0, abs=0.05)
    assert faults["calls"] == pytest.approx(0.0, abs=0.01)
    assert faults["forks"] > 1.0


def test_a_cost_that_noise_hides_is_told_as_such_and_has_no_ratio():
    calibration = calibrated(native(), guest(offset=10.0), events=(CALLS,))
    found = calibration.estimate("qemu-tcg", "calls")
    assert not found.above_noise
    assert found.ratio is None
    assert found.seconds.low <= 6e-7 <= found.seconds.high


def test_the_order_within_blocks_is_random_but_the_seeds():
    def order(seed: int) -> list[str]:
        target = native()
        calibrated(target, events=(CALLS, FORKS, FILES), seed=seed, minimum=8, maximum=8)
        return target.measured

    assert order(1) == order(1)
    assert order(1) != order(2)
    blocks = np.array(order(1)[-24:]).reshape(8, 3)
    assert all(set(block) == {"calls", "forks", "files"} for block in blocks)
    assert len({tuple(block) for block in blocks}) > 1


def test_a_target_that_dies_keeps_what_it_gave_and_the_others_go_on():
    healthy = guest()
    calibrated(native(), healthy)
    # Half of the 8 blocks of 2 events are left when it dies.
    dying = guest(lasts=len(healthy.measured) - 8)
    calibration = calibrated(native(), dying)
    assert dying.ended
    assert not healthy.ended
    assert calibration.complete
    assert "killed by signal 9" in calibration.failures["qemu-tcg"]
    kept = calibration.series["qemu-tcg", "calls"].samples
    assert 0 < len(kept) < 8
    assert calibration.estimate("qemu-tcg", "calls").ratio.estimate == pytest.approx(6.0)
    assert len(calibration.series["native", "calls"].samples) == 8


def test_what_a_target_refuses_is_left_out_and_the_rest_goes_on():
    calibration = calibrated(native(), guest(refuses="calls"))
    assert calibration.series["qemu-tcg", "calls"].refused == "no such thing here"
    assert calibration.estimate("qemu-tcg", "calls") is None
    assert calibration.estimate("qemu-tcg", "forks") is not None
    assert calibration.complete


def test_a_narrow_terminal_cuts_nothing_off():
    targets = [native(noise=0.1), *(guest(name, noise=0.1) for name in TARGETS[1:])]
    calibration = calibrated(*targets, minimum=8, maximum=8)
    printed = {}
    for width in (78, 300):
        console = Console(width=width, file=StringIO())
        with console.capture() as capture:
            console.print(calibration_table(calibration, {}))
        printed[width] = sorted("".join(capture.get().split()).replace("─", ""))
    # The same characters, however they are broken into lines.
    assert printed[78] == printed[300]


def test_a_guest_is_measured_beside_this_machine_and_its_death_ends_only_itself(agent):
    guest_programs()
    with launcher() as place:
        pool = TargetPool(place, agent)
        assert not pool.probe(("native", "qemu-tcg"))
        calibration = Calibration(pool.up, (CALLS, FORKS))
        blocks = calibration.run(minimum=6, maximum=6, batch_seconds=0.02)
        while next(blocks) < 3:
            pass
        ratio = calibration.estimate("qemu-tcg", "calls").processor_ratio
        os.kill(pool.up[1].pid, signal.SIGKILL)
        assert list(blocks) == [4, 5, 6]
    assert calibration.failures.keys() == {"qemu-tcg"}
    assert "killed by signal 9" in calibration.failures["qemu-tcg"]
    assert len(calibration.series["native", "calls"].samples) == 6
    assert len(calibration.series["qemu-tcg", "calls"].samples) == 3
    # An emulated processor takes more than one instruction for an instruction.
    assert ratio is None or ratio.high > 1.0
    assert len(calibration.channel["qemu-tcg"]) == 15
