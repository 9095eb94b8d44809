"""The shared pool: what every virtual processor is promised, and what it gets beyond that."""

from collections import defaultdict
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from modelling import (
    CAPPED,
    MS,
    NO_REFILL,
    NO_TICKS,
    REFERENCE_HZ,
    UNCAPPED,
    US,
    build,
    constants,
    keep_busy,
    partition,
    system,
    total,
)

from harness.model.config import PartitionConfiguration, Virtualization
from harness.model.costs import Costs
from harness.model.cpu.entities import VirtualProcessor
from harness.model.cpu.reconfiguration import suspend
from harness.model.machine import Machine

pytestmark = pytest.mark.interpreted

WINDOW = 10 * MS
Interval = tuple[int, int]


@dataclass
class Load:
    """Work for one partition: always busy, or on and off at random."""

    configuration: PartitionConfiguration
    busy: bool
    on_ms: float = 1.0
    off_ms: float = 1.0

    @property
    def name(self) -> str:
        return self.configuration.name

    @property
    def capped(self) -> bool:
        part = self.configuration
        return part.virtualization is CAPPED or part.weight == 0


@dataclass
class Trace:
    """What the pool did: who occupied a processor when, and who wanted one when."""

    machine: Machine
    loads: list[Load]
    occupied: dict[VirtualProcessor, list[Interval]] = field(
        default_factory=lambda: defaultdict(list)
    )
    wanted: dict[str, list[Interval]] = field(default_factory=lambda: defaultdict(list))
    """Of the partitions that go on and off, which have one virtual processor each."""
    idle_while_wanted: list[str] = field(default_factory=list)

    def vps(self, load: Load) -> list[VirtualProcessor]:
        return self.machine.partitions[load.name].partition.vps

    def in_window(self, vp: VirtualProcessor, number: int) -> int:
        start, end = number * WINDOW, (number + 1) * WINDOW
        return sum(max(0, min(b, end) - max(a, start)) for a, b in self.occupied[vp])

    @property
    def windows(self) -> range:
        return range(self.machine.clock.now_ns // WINDOW)


def go_on_and_off(trace: Trace, load: Load, seed: int) -> None:
    machine, random = trace.machine, Random(f"{load.name}{seed}")
    modelled, clock = machine.partitions[load.name], machine.clock
    begun = 0

    def on(*_: object) -> None:
        nonlocal begun
        begun = clock.now_ns
        modelled.compute(random.expovariate(1 / load.on_ms) / 1e3, None, off)

    def off() -> None:
        trace.wanted[load.name].append((begun, clock.now_ns))
        clock.call_in(round(random.expovariate(1 / load.off_ms) * MS), on)

    clock.call_in(round(random.random() * load.off_ms * MS), on)


def run(
    loads: list[Load],
    cores: int,
    *overrides: dict[str, object],
    windows: int = 12,
    seed: int = 0,
) -> Trace:
    """Run a pool and trace it."""
    parts = [load.configuration for load in loads]
    machine = build(system(*parts, cores=cores, virtualization=UNCAPPED), *overrides)
    trace = Trace(machine, loads)
    pool = machine.pool
    assert pool is not None
    use = pool.use

    def record(vp: VirtualProcessor, start_ns: int, end_ns: int) -> None:
        trace.occupied[vp].append((start_ns, end_ns))
        use(vp, start_ns, end_ns)

    def look(*_: object) -> None:
        waiting = [
            vp
            for load in loads
            if not load.capped
            for vp in trace.vps(load)
            if vp.burst is not None and vp.processor is None
        ]
        idle = [p for p in pool.processors if p.vp is None]
        if waiting and idle:
            trace.idle_while_wanted.append(f"at {machine.clock.now_ns}: {waiting}, {idle}")

    pool.use = record
    for load in loads:
        if load.busy:
            modelled = machine.partitions[load.name]
            keep_busy(modelled, 0.0007, 2 * load.configuration.virtual_processors)
        else:
            go_on_and_off(trace, load, seed)
    random = Random(seed)
    for _ in range(200):
        machine.clock.call_in(random.randrange(windows * WINDOW), look)
    machine.clock.run_until(windows * WINDOW)
    for processor in pool.processors:
        if processor.vp is not None:
            pool.count(processor.vp, machine.clock.now_ns)
    return trace


@st.composite
def pools(draw: st.DrawFn) -> tuple[list[Load], int]:
    """One to four cores, divided among up to eight partitions with any entitlement."""
    cores = draw(st.integers(1, 4))
    sizes = draw(st.lists(st.integers(10, 100 * cores), min_size=1, max_size=8))
    loads = []
    left = 100 * cores
    for index, size in enumerate(sizes):
        share = min(size, left)
        if share < 10:
            break
        left -= share
        busy = draw(st.booleans())
        least = -(-share // 100)
        vps = draw(st.integers(least, max(least, min(4, share // 10)))) if busy else 1
        if not busy:
            share = min(share, 100)
        loads.append(
            Load(
                partition(
                    f"p{index}",
                    share / 100,
                    vps,
                    draw(st.sampled_from([CAPPED, UNCAPPED])),
                    weight=draw(st.sampled_from([0, 1, 64, 128, 255])),
                ),
                busy,
                draw(st.sampled_from([0.05, 0.5, 3.0, 15.0])),
                draw(st.sampled_from([0.05, 0.5, 3.0, 15.0])),
            )
        )
    return loads, cores


SWITCHING = st.sampled_from([0.0, 3e-6, 1e-5])


@given(st.integers(1, 16 * 10**6), st.integers(1, 64), st.integers(1, 64))
def test_virtual_processors_share_exactly_what_the_partition_is_entitled_to(millionths, vps, more):
    cores = Fraction(millionths, 10**6)
    machine = build(system(partition("app", float(cores), vps, CAPPED), cores=16))
    part = machine.partitions["app"].partition

    def check(cores: Fraction, vps: int) -> None:
        shares = [vp.entitlement_ns for vp in part.vps]
        assert len(shares) == vps
        assert sum(shares) == int(cores * WINDOW)
        assert max(shares) - min(shares) <= 1

    check(cores, vps)
    machine.capacity.set_shared("app", virtual_processors=more)
    check(cores, more)
    machine.capacity.set_shared("app", entitlement_cores=float(cores / 2))
    check((cores / 2).limit_denominator(10**6), more)
    suspend(part)
    machine.capacity.resume("app", vps)
    check((cores / 2).limit_denominator(10**6), vps)


def costs(switch: float) -> dict[str, object]:
    cycles = switch * REFERENCE_HZ
    return {**NO_TICKS, "hypervisor.vp_switch": cycles, "hypervisor.vp_resume": cycles}


@settings(max_examples=120)
@given(pools(), SWITCHING, st.sampled_from([0.5e-3, 1e-3, 5e-3]), st.integers(0, 99))
def test_whoever_is_runnable_through_a_window_gets_its_entitlement_in_it(
    pool, switch, spare_slice, seed
):
    loads, cores = pool
    overrides = {**costs(switch), "hypervisor.spare_slice": spare_slice}
    trace = run(loads, cores, overrides, seed=seed)
    checked = 0
    for load in loads:
        for vp in trace.vps(load):
            for number in trace.windows:
                start, end = number * WINDOW, (number + 1) * WINDOW
                wants = trace.wanted[load.name]
                if load.busy or any(a <= start and end <= b for a, b in wants):
                    assert trace.in_window(vp, number) >= vp.entitlement_ns, (vp, number)
                    checked += 1
    assert checked or not any(load.busy for load in loads)


@settings(max_examples=120)
@given(pools(), SWITCHING, st.integers(0, 99))
def test_the_capped_never_exceed_their_entitlement_in_any_window(pool, switch, seed):
    loads, cores = pool
    trace = run(loads, cores, costs(switch), seed=seed)
    for load in loads:
        for vp in trace.vps(load):
            for number in trace.windows:
                most = vp.entitlement_ns if load.capped else WINDOW
                assert trace.in_window(vp, number) <= most, (vp, number)


@settings(max_examples=60)
@given(pools(), st.sampled_from(["aix-5.3", "sles-9"]), st.integers(0, 99))
def test_clock_ticks_do_not_let_the_capped_exceed_their_entitlement(pool, os, seed):
    loads, cores = pool
    for load in loads:
        object.__setattr__(load.configuration, "os", os)
    trace = run(loads, cores, seed=seed)
    for load in loads:
        for vp in trace.vps(load):
            for number in trace.windows:
                if load.capped:
                    assert trace.in_window(vp, number) <= vp.entitlement_ns, (vp, number)


@settings(max_examples=120)
@given(pools(), SWITCHING, st.integers(0, 99))
def test_no_processor_idles_while_an_uncapped_virtual_processor_waits(pool, switch, seed):
    loads, cores = pool
    trace = run(loads, cores, costs(switch), seed=seed)
    assert not trace.idle_while_wanted
    wanting = sum(len(trace.vps(load)) for load in loads if load.busy and not load.capped)
    if wanting >= cores:
        _, idle_ns = trace.machine.balance()
        assert idle_ns == 0


@settings(max_examples=120)
@given(pools(), SWITCHING, st.integers(0, 99))
def test_the_worst_gap_between_two_dispatches_is_twice_what_the_entitlement_leaves(
    pool, switch, seed
):
    loads, cores = pool
    trace = run(loads, cores, costs(switch), seed=seed)
    for load in loads:
        if load.busy:
            for vp in trace.vps(load):
                runs = trace.occupied[vp]
                assert runs[0][0] <= WINDOW - vp.entitlement_ns
                worst = max((b[0] - a[1] for a, b in pairwise(runs)), default=0)
                assert worst <= 2 * (WINDOW - vp.entitlement_ns)


@settings(max_examples=60)
@given(pools(), SWITCHING, st.integers(0, 99))
def test_nobody_runs_twice_at_once_and_no_processor_serves_two(pool, switch, seed):
    loads, cores = pool
    trace = run(loads, cores, costs(switch), seed=seed)
    edges = []
    for runs in trace.occupied.values():
        assert all(a[1] <= b[0] for a, b in pairwise(sorted(runs)))
        edges += [(start, 1) for start, _ in runs] + [(end, -1) for _, end in runs]
    running = 0
    for _, step in sorted(edges):
        running += step
        assert running <= cores
    assert total(trace.machine) == cores * trace.machine.clock.now_ns


@pytest.mark.parametrize("virtualization", [CAPPED, UNCAPPED])
def test_weight_zero_acts_as_capped(virtualization: Virtualization):
    load = Load(partition("p", 0.3, 1, virtualization, weight=0), True)
    trace = run([load], 2, costs(0.0))
    (vp,) = trace.vps(load)
    assert [trace.in_window(vp, n) for n in trace.windows] == [3 * MS] * 12


def test_an_uncapped_partition_on_its_own_gets_as_many_processors_as_it_has_virtual_ones():
    for vps in (1, 2, 3, 5):
        load = Load(partition("p", 0.5, vps, UNCAPPED), True)
        trace = run([load], 3, costs(0.0))
        taken = sum(trace.in_window(vp, n) for vp in trace.vps(load) for n in trace.windows)
        assert taken == min(vps, 3) * 12 * WINDOW


def test_a_partition_that_wakes_displaces_one_on_spare_capacity_at_once():
    hog = partition("hog", 0.1, 1, UNCAPPED, weight=255)
    sleeper = partition("sleeper", 0.5, 1, CAPPED)
    machine = build(
        system(hog, sleeper, cores=1, virtualization=UNCAPPED), NO_TICKS, NO_REFILL, costs(0.0)
    )
    keep_busy(machine.partitions["hog"], 0.5)
    ended: list[int] = []

    def wake(*_: object) -> None:
        machine.partitions["sleeper"].compute(
            0.001, None, lambda: ended.append(machine.clock.now_ns)
        )

    machine.clock.call_in(25 * MS, wake)
    machine.clock.run_until(40 * MS)
    assert ended == [26 * MS]


def test_home_processors_are_preferred_then_their_chip():
    parts = [partition(f"p{i}", 0.5, 1, UNCAPPED) for i in range(2)]
    machine = build(system(*parts, cores=4, virtualization=UNCAPPED), NO_TICKS)
    pool = machine.pool
    assert pool is not None
    vp = machine.partitions["p0"].partition.vps[0]
    first, second, third, _ = pool.processors
    assert first.chip is second.chip is not third.chip
    vp.last_processor = second
    assert pool.free_processor(vp) is second
    for taken, best in ((second, first), (first, third)):
        taken.vp = machine.partitions["p1"].partition.vps[0]
        pool.free.take(taken)
        assert pool.free_processor(vp) is best
    while pool.free.take_highest() is not None:
        pass
    assert pool.free_processor(vp) is None


def test_dispatch_waits_are_the_time_ready_without_a_processor():
    """One processor, two partitions, each busy: whoever does not run waits."""
    parts = [Load(partition(f"p{i}", 0.5, 1, UNCAPPED), True) for i in range(2)]
    trace = run(parts, 1, costs(0.0), NO_REFILL, windows=20)
    now = trace.machine.clock.now_ns
    for load in parts:
        each = trace.machine.partitions[load.name].partition
        (vp,) = trace.vps(load)
        waiting = now - vp.ready_ns if vp.processor is None else 0
        assert each.dispatch_wait_ns + waiting + each.dispatched_ns == now


def test_each_dispatch_is_charged_one_switch_to_the_work_it_is_for():
    costs = Costs(constants(), REFERENCE_HZ)
    switch_ns, resume_ns = (costs.work(f"hypervisor.vp_{name}") for name in ("switch", "resume"))
    parts = [Load(partition(f"p{i}", 0.4, 1, UNCAPPED), True) for i in range(2)]
    trace = run(parts, 1, NO_TICKS, NO_REFILL, windows=20)
    accounts, _ = trace.machine.balance()
    for load in parts:
        each = trace.machine.partitions[load.name].partition
        assert each.dispatches >= 20
        switches = each.dispatches - each.resumptions
        assert switches >= 20
        expected = switches * switch_ns + each.resumptions * resume_ns
        assert accounts[load.name]["hypervisor"] == expected


@given(st.integers(1, 9))
@settings(max_examples=9)
def test_a_capped_partition_alone_does_its_entitlements_worth_of_work(tenths):
    load = Load(partition("p", tenths / 10, 1, CAPPED), True)
    trace = run([load], 1, NO_TICKS, NO_REFILL, windows=30)
    accounts, idle_ns = trace.machine.balance()
    costs = Costs(constants(), REFERENCE_HZ)
    lead_ns = costs.work("hypervisor.vp_switch") + 29 * costs.work("hypervisor.vp_resume")
    assert accounts["p"]["user"] == tenths * MS * 30 - lead_ns
    assert idle_ns == (10 - tenths) * MS * 30


def test_a_processor_that_a_tick_has_borrowed_does_not_lengthen_a_capped_turn():
    ticking = partition("ticking", 0.1, 1, UNCAPPED)
    capped = partition("capped", 0.2, 1, CAPPED, os="sles-9")
    machine = build(
        system(ticking, capped, cores=1, virtualization=UNCAPPED), {"os.sles-9.tick_rate": 1e-6}
    )
    pool = machine.pool
    assert pool is not None
    (processor,) = pool.processors
    # AIX ticks every 10 ms, first a third of a period after the start.
    tick_ns = 10 * MS // 3
    machine.clock.run_until(tick_ns + 2 * US)
    assert processor.free_ns > machine.clock.now_ns
    begun = processor.free_ns
    keep_busy(machine.partitions["capped"], 0.1)
    machine.clock.run_until(WINDOW - 1)
    assert processor.vp is None
    assert processor.free_ns - begun == 2 * MS
