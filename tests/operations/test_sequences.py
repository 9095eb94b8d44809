"""Any sequence of operations on a running, loaded machine: nothing is lost, nobody is cheated."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import replace

from examples import number_of_examples
from hypothesis import example, given, settings
from hypothesis import strategies as st
from modelling import (
    CAPPED,
    DEDICATED,
    ETHERNET,
    MS,
    NO_REFILL,
    NO_TICKS,
    UNCAPPED,
    WIRE,
    keep_busy,
    partition,
    server,
    system,
    total,
)
from operating import QUICK, SECOND, carried_out, holdings, site_with

from harness.catalog import Value
from harness.model.config import SystemConfiguration
from harness.model.machine import Machine
from harness.operations.capacity_on_demand import (
    ActivatePermanently,
    ActivateReserve,
    StartTrial,
    TurnOff,
    TurnOn,
)
from harness.operations.dlpar import ChangeSharing, MoveAdapter, MoveCores, MoveMemory, MoveUnits
from harness.operations.faults import GuestPanic, ViosPanic
from harness.operations.operation import Limits, Operation, Site, Status, carry_out

WINDOW = 10 * MS
BLOCK = 256 * 2**20
CORES, ACTIVE = 9, 7
SHARED = ("busy1", "busy2", "capped", "idle")
BUSY_SHARED = ("busy1", "busy2", "capped")
OWNERS = ("own1", "own2")
EVERYONE = (*SHARED, *OWNERS, "vios1")
LIMITS = {"busy2": Limits(0.3, 2.0, 1, 3), "own1": Limits(1, 2)}
DAYS: Mapping[str, Value] = {
    "operations.cod.activation_time": 0.025,
    "operations.cod.on_off.period": 0.1,
    "operations.cod.reserve.period": 0.1,
    "operations.cod.reserve.sample": 0.03,
    "operations.cod.reserve.prepaid": 2.0,
    "operations.cod.trial.period": 0.12,
    "operations.fault.partition_boot": 0.04,
    "operations.fault.vios_boot": 0.05,
}


def configuration() -> SystemConfiguration:
    """Nine cores, two of them inactive; who shares, who owns, who serves."""

    def shared(name: str, cores: float, vps: int, virtualization=UNCAPPED, **more):
        part = partition(name, cores, vps, virtualization, **more)
        return replace(part, memory_bytes=8 * BLOCK)

    parts = [
        shared("busy1", 0.8, 2, disks=1, vios="vios1"),
        shared("busy2", 0.5, 2, weight=64, ethernet=WIRE),
        shared("capped", 0.6, 3, CAPPED),
        shared("idle", 0.4, 2),
        *(replace(partition(name, 1, 1, DEDICATED), memory_bytes=8 * BLOCK) for name in OWNERS),
    ]
    divided = system(
        *parts, cores=CORES, vios=(server("vios1", 0.3, 1, UNCAPPED),), virtualization=UNCAPPED
    )
    return replace(divided, machine=replace(divided.machine, active_cores=ACTIVE))


def loaded(*overrides: Mapping[str, Value]) -> tuple[Site, Machine]:
    site, machine = site_with(configuration(), QUICK, DAYS, *overrides, limits=LIMITS)
    for name in (*BUSY_SHARED, *OWNERS):
        # More threads than it can ever have virtual processors.
        keep_busy(machine.partitions[name], 0.0007, 12)

    def read_again() -> None:
        machine.partitions["busy1"].transfer(0, 4096, None, False, read_again)

    read_again()
    return site, machine


HUNDREDTHS = st.integers(0, 60)
SIDE = st.sampled_from(["busy1", "busy2", "capped", "idle", "vios1", "own1", None, None])
OWNER = st.sampled_from(["own1", "own2", "own1", "own2", "idle", None])
OPERATIONS: st.SearchStrategy[Operation] = st.one_of(
    st.builds(
        MoveUnits, HUNDREDTHS.map(lambda n: n / 100), SIDE, SIDE, st.sampled_from([0, 0, 1, 2])
    ),
    st.builds(MoveCores, st.integers(1, 2), OWNER, OWNER),
    st.builds(
        ChangeSharing,
        st.sampled_from(EVERYONE),
        st.sampled_from([None, 0, 1, 128, 255]),
        st.sampled_from([None, True, False]),
    ),
    st.builds(
        MoveMemory,
        st.sampled_from([BLOCK, 2 * BLOCK, 7 * BLOCK, BLOCK // 2]),
        st.sampled_from([*EVERYONE, None]),
        st.sampled_from([*EVERYONE, None]),
    ),
    st.builds(
        MoveAdapter,
        st.just(ETHERNET),
        st.sampled_from(["busy2", "idle", None]),
        st.sampled_from([*SHARED, "vios1", None]),
    ),
    st.builds(ActivatePermanently, st.just("p5"), st.integers(1, 2)),
    st.builds(TurnOn, st.just("p5"), st.integers(1, 2)),
    st.builds(TurnOff, st.just("p5"), st.integers(1, 2)),
    st.builds(StartTrial, st.just("p5"), st.just(1)),
    st.builds(ActivateReserve, st.just("p5"), st.just(1)),
    st.builds(GuestPanic, st.just("idle")),
    st.builds(ViosPanic, st.just("vios1")),
)
SCRIPT = st.lists(st.tuples(st.integers(0, 60), OPERATIONS), min_size=1, max_size=8)
"""Milliseconds after the one before, and what is begun then."""


def check_ownership(machine: Machine) -> None:
    """Every processor, byte and adapter is in exactly one place."""
    capacity, pool = machine.capacity, machine.pool
    assert pool is not None
    places = Counter(p.index for d in machine.dispatchers for p in d.processors)
    assert places == Counter(range(CORES))
    assert sorted(p.index for p in machine.reserve.processors) == sorted(
        p.index for p in [*capacity.inactive, *capacity.unowned]
    )
    for name in OWNERS:
        own = machine.partitions[name].partition
        assert own.scheduler is not None
        homes = {vp.last_processor.index for vp in own.vps if vp.last_processor is not None}
        assert homes == {p.index for p in own.scheduler.processors}
        assert len(own.vps) == len(homes) == capacity.entitlement_cores[name]
    entitled = 0.0
    for name in (*SHARED, "vios1"):
        part = machine.dispatched_partition(name)
        entitlement = capacity.entitlement_cores[name]
        entitled += entitlement
        assert 0.1 * len(part.vps) - 1e-9 <= entitlement <= len(part.vps) + 1e-9
        slices = sum(vp.entitlement_ns for vp in part.vps)
        assert -0.01 <= entitlement * WINDOW - slices < 1
        assert part.weight == (0 if capacity.capped[name] else capacity.weight[name])
    assert entitled + capacity.lent_cores <= len(pool.processors) + 1e-9
    assert capacity.free_cores >= -1e-9
    assert abs(entitled + capacity.lent_cores + capacity.free_cores - len(pool.processors)) < 1e-9
    running = [p.vp for p in pool.processors if p.vp is not None]
    assert len(set(running)) == len(running)
    assert {p.index for p in pool.processors if p.vp is None} == set(pool.free.indices)
    assert capacity.free_memory_bytes >= 0
    assert all(size >= 0 for size in capacity.memory_bytes.values())
    owned = [device for each in capacity.adapters.values() for device in each]
    adapters = Counter([*owned, *capacity.free_adapters])
    assert adapters[ETHERNET] == 1
    assert sum(adapters.values()) == 2
    for name, limits in LIMITS.items():
        assert limits.minimum_cores is not None and limits.maximum_cores is not None
        assert limits.minimum_cores <= capacity.entitlement_cores[name] <= limits.maximum_cores


@settings(max_examples=number_of_examples(500))
@given(SCRIPT)
def test_nothing_is_lost_or_owned_twice_and_time_is_conserved(script):
    site, machine = loaded()
    memory = dict(machine.capacity.memory_bytes)
    whole = sum(memory.values()) + machine.capacity.free_memory_bytes
    for after_ms, operation in script:
        site.clock.run_until(site.clock.now_ns + after_ms * MS)
        check_ownership(machine)
        carry_out(site, operation)
    for _ in range(12):
        site.clock.run_until(site.clock.now_ns + 23 * MS)
        check_ownership(machine)
        assert total(machine) == CORES * site.clock.now_ns
    capacity = machine.capacity
    assert sum(capacity.memory_bytes.values()) + capacity.free_memory_bytes == whole


@settings(max_examples=number_of_examples(500))
@given(SCRIPT)
def test_the_busy_get_their_entitlement_and_the_capped_no_more_in_every_quiet_window(script):
    overrides: Mapping[str, Value] = {**NO_TICKS, **NO_REFILL}
    site, machine = loaded(overrides)
    occupied: dict[str, Counter[int]] = defaultdict(Counter)
    entitled: dict[str, Counter[int]] = defaultdict(Counter)
    begin = iter(script)
    next_ms, operation = next(begin)
    due = next_ms
    windows = sum(ms for ms, _ in script) // 10 + 15
    disturbed: set[int] = set()
    capped: set[tuple[str, int]] = set()
    for number in range(windows):
        for name in BUSY_SHARED:
            vps = machine.partitions[name].partition.vps
            occupied[name][number] -= machine.partitions[name].partition.occupied_ns()
            entitled[name][number] = sum(vp.entitlement_ns for vp in vps)
            if not vps[0].partition.weight:
                capped.add((name, number))
        before = holdings(machine)
        for ms in range(10):
            while operation is not None and due <= number * 10 + ms:
                carry_out(site, operation)
                next_ms, operation = next(begin, (0, None))
                due += next_ms
            site.clock.run_until(number * WINDOW + (ms + 1) * MS)
        for name in BUSY_SHARED:
            occupied[name][number] += machine.partitions[name].partition.occupied_ns()
        if holdings(machine) != before:
            disturbed.add(number)
    for name in BUSY_SHARED:
        for number in range(windows):
            if number not in disturbed:
                assert occupied[name][number] >= entitled[name][number], (name, number)
                if (name, number) in capped:
                    assert occupied[name][number] <= entitled[name][number], (name, number)
    assert len(disturbed) < windows


@settings(max_examples=number_of_examples(500))
@given(st.lists(OPERATIONS, min_size=1, max_size=6))
def test_what_is_refused_changes_nothing(operations):
    site, machine = loaded()
    for operation in operations:
        before = holdings(machine)
        now = site.clock.now_ns
        status, reason = carried_out_first(site, operation)
        if status is Status.REFUSED:
            assert holdings(machine) == before
            assert site.clock.now_ns <= now + 1
            assert reason
        else:
            site.clock.run_until(now + SECOND // 10)


def carried_out_first(site: Site, operation: Operation) -> tuple[Status, str]:
    """Begin an operation; say whether it has been refused."""
    carry_out(site, operation)
    site.clock.run_until(site.clock.now_ns + 1)
    entry = next(e for e in reversed(site.timeline) if e.operation == operation.describe())
    return entry.status, entry.reason


def test_operations_do_lead_to_something():
    """The strategies above are worth something only if a fair part of them is carried out."""
    done: Counter[str] = Counter()
    refused: Counter[str] = Counter()

    @settings(max_examples=150, database=None)
    @given(OPERATIONS)
    @example(TurnOn("p5", 1))
    def see(operation: Operation) -> None:
        site, _ = site_with(configuration(), QUICK, DAYS, limits=LIMITS)
        if isinstance(operation, TurnOff):
            carried_out(site, TurnOn("p5", 2))
        status, _ = carried_out(site, operation)
        (done if status is Status.DONE else refused)[type(operation).__name__] += 1

    see()
    assert len(done) == 12
    assert len(refused) >= 5
