"""Invariants: laws of conservation and of order, tested on generated machines.

Every invariant is a function of a shape (:class:`Shape`) that returns its violation, 0 where the
law holds. The command tries shapes from a seeded generator, the tests those of hypothesis.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from harness.catalog import Constants
from harness.engine.clock import to_ns
from harness.model.config import Virtualization
from harness.model.machine import Machine
from harness.validation.mechanism import Mechanism
from harness.validation.minimal_model import (
    NO_CONTENTION,
    build,
    catalog,
    free,
    keep_busy,
    partition,
)
from harness.validation.queues import spare_shares
from harness.validation.row import Kind, Row
from harness.validation.shapes import SECONDS, Shape, generate, run

WINDOW_NS = 10_000_000
EVENTS = {"calls": 20.0, "page_faults": 5.0, "forks": 0.02}
SHAPES, QUICK_SHAPES = 100, 20
LOOKS = 5
"""How often in a window the accounts are looked at."""
ALWAYS_US = 1_000_000
"""Processor time of a transaction that does not end within a run."""


def conservation(shape: Shape) -> float:
    """Compare processors x time with accounts and idle time (s), with all costs."""
    machine = run(shape, catalog().nominal(), events=EVENTS).machine
    accounts, idle_ns = machine.balance()
    booked = sum(sum(account.values()) for account in accounts.values()) + idle_ns
    return abs(booked - shape.cores * machine.clock.now_ns) / 1e9


def window_guarantee(shape: Shape) -> float:
    """Entitlement that the always runnable lacked in a window, or the capped got too much (s)."""
    busy = replace(
        shape,
        members=tuple(replace(m, think_us=0, users=2 * m.vps) for m in shape.members),
    )
    worst = 0
    before: dict[str, int] = {}

    def look(machine: Machine, number: int) -> None:
        nonlocal worst
        accounts, _ = machine.balance()
        for index, member in enumerate(busy.members):
            name = f"p{index}"
            total = sum(accounts[name].values())
            got, before[name] = total - before.get(name, 0), total
            due = member.percent * WINDOW_NS // 100
            worst = max(worst, due - got)
            if member.capped:
                worst = max(worst, got - due)

    run(busy, free(), at_window=look)
    return worst / 1e9


def growing_accounts(shape: Shape) -> float:
    """Find the largest fall of an account between two looks (s), with all costs.

    All begin with nothing, so that none is below zero if none ever falls.
    """
    worst = 0
    before: dict[tuple[str, str], int] = {}

    def compare(machine: Machine) -> None:
        nonlocal worst
        accounts, idle_ns = machine.balance()
        for name, account in (*accounts.items(), ("", {"idle": idle_ns})):
            for cause, ns in account.items():
                worst = max(worst, before.get((name, cause), 0) - ns)
                before[name, cause] = ns

    def look(machine: Machine, number: int) -> None:
        compare(machine)
        # And several times in the midst of the next window, at odd moments.
        for part in range(1, LOOKS):
            after_ns = (WINDOW_NS * part + 7919 * number) // LOOKS
            machine.clock.call_in(after_ns, lambda: compare(machine))

    run(shape, catalog().nominal(), events=EVENTS, at_window=look)
    return worst / 1e9


def weight_proportions(shape: Shape) -> float:
    """Spare capacity beyond a share by weight (s), turns that are not over yet left aside.

    More partitions than processors, all busy, none of them near the whole processor that is the
    ceiling of its only virtual processor: weights differ by at most three times.
    """
    count = 4 * shape.cores
    members = [shape.members[index % len(shape.members)] for index in range(count)]
    busy = tuple(
        replace(
            member,
            percent=10 + index % 5,
            vps=1,
            capped=False,
            weight=64 + (member.weight + 37 * index) % 128,
            users=2,
            think_us=0,
        )
        for index, member in enumerate(members)
    )
    seconds = 1.0
    times = run(Shape(shape.cores, busy), free(), seconds=seconds).user_ns
    entitlements = [member.percent / 100 for member in busy]
    expected = spare_shares(entitlements, [member.weight for member in busy], shape.cores)
    off = [abs(times[f"p{i}"] / 1e9 - share * seconds) for i, share in enumerate(expected)]
    return max(0.0, max(off) - 4 * free().number("hypervisor.spare_slice"))


def littles_law(shape: Shape) -> float:
    """Compare number x time and the sum of response times (relative), with all costs."""
    outcome = run(shape, catalog().nominal(), events=EVENTS)
    worst = 0.0
    for name, present_ns in outcome.present_ns.items():
        stayed = outcome.response_ns[name] + outcome.open_ns[name]
        worst = max(worst, abs(present_ns - stayed) / max(1, present_ns))
    return worst


EXPENSIVE: tuple[tuple[str, ...], ...] = (
    ("hypervisor.vp_switch",),
    ("hypervisor.vp_switch", "hypervisor.vp_resume"),
    ("processor.l3_latency",),
    ("processor.memory_latency",),
    ("processor.tlb_miss",),
    ("processor.working_set",),
    ("os.aix-5.3.tick_cost",),
)
"""Costs that are made five times as large at a time. A resumption is not among them by itself:
where it costs more than a switch, turns become longer and switches rarer."""


def expensive_events(shape: Shape) -> float:
    """Overhead saved by more expensive switches, refills and ticks (relative).

    Overhead is all processor time that is not the users', for each unit of theirs. Every user
    computes all the time. Where users end transactions and pause, a cost also moves the moments at
    which they meet, so that switches may become rarer and the sum smaller: that is no error of the
    model. A switch five times as expensive may make switches rarer here too, so that their number
    is no part of the law. Contention is left out: who waits for a switch slows no neighbour down
    meanwhile.
    """
    members = (replace(m, demand_us=ALWAYS_US, think_us=0) for m in shape.members)
    return _saved(
        replace(shape, members=tuple(members)),
        catalog().nominal().changed(NO_CONTENTION),
        EXPENSIVE,
    )


def expensive_neighbours(shape: Shape) -> float:
    """Overhead saved by more contention between processors (relative).

    All partitions always want more, so that it does not change who runs beside whom.
    """
    members = (replace(m, think_us=0, users=2 * m.vps, capped=False) for m in shape.members)
    return _saved(
        replace(shape, members=tuple(members)),
        catalog().nominal(),
        (("processor.contention.chip",), ("processor.contention.further",)),
    )


def _saved(shape: Shape, constants: Constants, costs: tuple[tuple[str, ...], ...]) -> float:
    """Return the largest part of the overhead that five times as large costs save."""

    def overhead(constants: Constants) -> float:
        accounts, _ = run(shape, constants).machine.balance()
        user = sum(account["user"] for account in accounts.values())
        return sum(sum(account.values()) for account in accounts.values()) / user - 1

    before = overhead(constants)
    after = [overhead(constants.multiplied(names, 5.0)) for names in costs]
    return max(0.0, 1 - min(after) / before)


DISTURBING = (
    "processor.tick_footprint",
    "processor.l3_latency",
    "processor.memory_latency",
    "processor.tlb_miss",
    "hosted.vmware.footprint",
    "hosted.vmware.tlb_entries",
    "hosted.vmware.world_switch",
    "hosted.vmware.interrupt_return",
    "hosted.vmware.translation",
)
"""Costs of ticks and world switches to the work that they interrupt, and of translating it."""


def disturbances(shape: Shape) -> float:
    """Work gained by a guest through more expensive ticks and world switches (s).

    Each guest has a core of its own and never waits, so that no schedule decides. Its work fills
    the second-level cache, and there is a third level only on every other machine.
    """
    nominal = catalog().nominal()
    full = {
        "processor.working_set": nominal.number("processor.l2_size"),
        "hosted.vmware.translation": 0.01,
    }
    if len(shape.members) % 2:
        full["processor.l3_size"] = 0.0
    constants = nominal.changed(full)
    guests = [partition(f"p{i}", 1, 1, Virtualization.HOSTED) for i in range(len(shape.members))]

    def done_ns(changes: Mapping[str, float]) -> list[int]:
        machine = build(constants.changed(changes), len(guests), *guests, flavour="vmware")
        for app, member in zip(machine.partitions.values(), shape.members, strict=True):
            keep_busy(app, member.demand_us / 1e6)
        machine.clock.run_until(to_ns(SECONDS))
        accounts, _ = machine.balance()
        return [accounts[guest.name]["user"] for guest in guests]

    before = done_ns({})
    worst = 0
    for name in DISTURBING:
        after = done_ns({name: 5 * constants.number(name)})
        worst = max(worst, *(more - less for less, more in zip(before, after, strict=True)))
    return worst / 1e9


def more_entitlement(shape: Shape) -> float:
    """Work lost by a capped partition through more entitlement (s).

    Its users do not think. With think time there is no such law: a thread on a virtual processor
    that has used up its entitlement waits for the next window though another one has some left, and
    which thread that happens to depends on when it last began.
    """
    first = replace(shape.members[0], capped=True, think_us=0)
    others = shape.members[1:]
    room = 100 * shape.cores - sum(member.percent for member in shape.members)
    more = min(100 * first.vps, first.percent + room)
    done = []
    for percent in (first.percent, more):
        members = (replace(first, percent=percent), *others)
        done.append(run(replace(shape, members=members), free()).user_ns["p0"])
    return max(0, done[0] - done[1]) / 1e9


def scale_invariance(shape: Shape) -> float:
    """Difference of processor times after all times were doubled (relative).

    Entitlements are quarters of a core: a nanosecond of rounding could change who is first.
    """
    members = [replace(m, vps=1, percent=25 if m.percent < 50 else 50) for m in shape.members]
    while sum(member.percent for member in members) > 100 * shape.cores:
        members.pop()
    shape = replace(shape, members=tuple(members))
    plain = free()
    doubled = free(
        {
            name: 2 * plain.number(name)
            for name in ("hypervisor.window", "hypervisor.spare_slice", "os.aix-5.3.timeslice")
        }
    )
    once, twice = run(shape, plain), run(shape, doubled, scale=2)
    before, after = once.user_ns, twice.user_ns
    return max(abs(after[name] - 2 * before[name]) / (2e9 * SECONDS) for name in before)


def symmetry(shape: Shape) -> float:
    """Difference between equal partitions, beyond the turns that are not over yet (cores).

    They have twice as many users as virtual processors, so that they always want more: one that
    does not want its spare capacity for a moment may get up to a window's worth less or more.
    """
    member = replace(shape.members[0], capped=False, think_us=0)
    member = replace(member, percent=min(member.percent, 100 * shape.cores // 3))
    if member.percent < 10 * member.vps:
        member = replace(member, vps=1)
    member = replace(member, users=2 * member.vps)
    alike = Shape(shape.cores, (member,) * 3)
    times = list(run(alike, free(), seconds=1.0).user_ns.values())
    turns = 4 * member.vps * free().number("hypervisor.spare_slice")
    return max(0.0, (max(times) - min(times)) / 1e9 - turns)


def equal_runs(shape: Shape) -> float:
    """Difference between two runs of the same (s): nothing but the shape decides."""
    first, second = (run(shape, catalog().nominal(), events=EVENTS).user_ns for _ in range(2))
    return max(abs(first[name] - second[name]) for name in first) / 1e9


@dataclass(frozen=True, slots=True)
class Invariant:
    """A law, how its violation is measured, and how large a violation rounding may leave."""

    name: str
    unit: str
    law: str
    violation: Callable[[Shape], float]
    rounding: float = 0.0
    mechanisms: tuple[Mechanism, ...] = (Mechanism.DISPATCH,)


INVARIANTS: tuple[Invariant, ...] = (
    Invariant("conservation", "s", "processors x time = accounts + idle time", conservation),
    Invariant(
        "window guarantee",
        "s",
        "who stays runnable gets its entitlement in every window, the capped no more",
        window_guarantee,
    ),
    Invariant(
        "accounts",
        "s",
        "no account, idle time among them, ever falls or is below zero",
        growing_accounts,
    ),
    Invariant(
        "weight proportions",
        "s",
        "spare capacity goes out in proportion to weights",
        weight_proportions,
    ),
    Invariant("Little's law", "", "number x time = sum of response times", littles_law, 1e-12),
    Invariant(
        "monotonicity, costs",
        "",
        "a more expensive switch, refill or tick never lowers overhead",
        expensive_events,
        mechanisms=(Mechanism.DISPATCH, Mechanism.VP_SWITCH, Mechanism.CACHE_REFILL),
    ),
    Invariant(
        "monotonicity, contention",
        "",
        "processors that slow each other more never lower overhead",
        expensive_neighbours,
        mechanisms=(Mechanism.CONTENTION,),
    ),
    Invariant(
        "monotonicity, disturbance",
        "s",
        "more expensive ticks, world switches and refills never give a guest more work",
        disturbances,
        mechanisms=(Mechanism.INTERRUPT, Mechanism.CACHE_REFILL, Mechanism.WORLD_SWITCH),
    ),
    Invariant(
        "monotonicity, entitlement",
        "s",
        "more entitlement never lowers a busy capped partition's work",
        more_entitlement,
    ),
    Invariant("scale invariance", "", "twice all times, twice the result", scale_invariance, 1e-6),
    Invariant("symmetry", "s", "equal partitions get equal shares", symmetry),
    Invariant("repeatability", "s", "the same configuration gives the same run", equal_runs),
)


def rows_of(invariant: Invariant, quick: bool) -> list[Row]:
    """Search for the worst violation among generated shapes."""
    generator = np.random.default_rng([1, *invariant.name.encode()])
    count = QUICK_SHAPES if quick else SHAPES
    violations = [invariant.violation(generate(generator)) for _ in range(count)]
    worst = max(violations)
    return [
        Row(
            Kind.INVARIANT,
            invariant.name,
            "worst violation",
            0.0,
            invariant.unit,
            invariant.law,
            worst,
            min(violations),
            worst,
            f"range over {count} generated machines",
            invariant.rounding,
            mechanisms=invariant.mechanisms,
        )
    ]
