"""Threads that want processors, and all that a dispatcher of the platform does for them."""

from dataclasses import dataclass
from itertools import zip_longest

import numpy as np
from modelling import MS
from pool_oracle import CEDE, DISPATCH, END, PREEMPT

from harness.engine.clock import Clock
from harness.model.cpu.burst import CallbackBurst, work
from harness.model.cpu.dispatcher import Dispatcher
from harness.model.cpu.entities import Partition, VirtualProcessor
from harness.model.ledger import Cause, Ledger

NEVER = 1 << 60
ROUNDS = 16
Events = list[tuple[int, int, int, int]]


@dataclass(frozen=True)
class Load:
    """A pool and the threads that want it; all times in nanoseconds."""

    cores: int
    per_chip: int
    window: int
    turn: int
    switch: int
    timeslice: int
    vp_partition: tuple[int, ...]
    vp_entitlement: tuple[int, ...]
    weight: tuple[int, ...]
    thread_partition: tuple[int, ...]
    demand: tuple[tuple[int, ...], ...]
    pause: tuple[tuple[int, ...], ...]
    end: int


def watch(load: Load, clock: Clock, ledger: Ledger, dispatcher: Dispatcher) -> Events:
    """Let a dispatcher of the platform serve a load; return all that happens, in order.

    Nothing of it is replaced, so that it may be compiled: after every event of the clock it is
    looked at who is on which processor since when.
    """
    events: Events = []
    parts = []
    number = {}
    for index, weight in enumerate(load.weight):
        own = [v for v, q in enumerate(load.vp_partition) if q == index]
        part = Partition(
            clock,
            f"p{index}",
            ledger.open(f"p{index}"),
            virtual_processors=len(own),
            weight=weight,
            slice_ns=load.timeslice,
        )
        for v, vp in zip(own, part.vps, strict=True):
            vp.entitlement_ns = load.vp_entitlement[v]
            number[vp] = v
        dispatcher.add(part)
        parts.append(part)
    processors = list(dispatcher.processors)
    before: list[tuple[VirtualProcessor, int] | None] = [None] * len(processors)

    def look():
        for place, processor in enumerate(processors):
            vp = processor.vp
            present = None if vp is None else (vp, vp.start_ns)
            last = before[place]
            if present == last:
                continue
            if last is not None:
                kind = CEDE if last[0].burst is None else PREEMPT
                events.append((clock.now_ns, kind, place, number[last[0]]))
            if vp is not None:
                events.append((clock.now_ns, DISPATCH, place, number[vp]))
            before[place] = present

    def thread(part, demands, pauses):
        turn = 0

        def ask():
            part.submit(CallbackBurst(part.account, work((int(Cause.USER), demands[turn])), done))

        def done():
            nonlocal turn
            vp = part.finishing
            events.append((clock.now_ns, END, vp.processor.index, number[vp]))
            turn = (turn + 1) % len(demands)
            if pauses[turn]:
                clock.call_in(pauses[turn], ask)
            else:
                ask()

        clock.call_in(pauses[0], ask)

    for index, demands, pauses in zip(load.thread_partition, load.demand, load.pause, strict=True):
        thread(parts[index], demands, pauses)
    while clock.peek() < load.end:
        clock.step()
        look()
    return in_order(events)


def in_order(events: Events) -> Events:
    """Sort what happened at the same moment by processor; each processor's own order stays."""
    return sorted(events, key=lambda event: (event[0], event[2]))


def generate(random: np.random.Generator) -> Load:
    """Up to four cores, divided among up to six partitions, every one with threads of its own.

    Times are whole nanoseconds without any common measure, so that hardly anything happens at the
    same moment by chance.
    """

    def choose(*options):
        return options[random.integers(len(options))]

    cores, window = int(random.integers(1, 5)), choose(5 * MS, 10 * MS, 20 * MS)
    left = cores * window
    vps, entitlements, weights, threads = [], [], [], []
    for index in range(random.integers(1, 7)):
        count = int(random.integers(1, 4))
        least, most = window // 10, min(window, left // count)
        if most < least:
            break
        share = least + int((most - least) * random.random() ** choose(1, 3))
        left -= share * count
        vps += [index] * count
        # Those of one partition differ a little, lest they all end at once.
        entitlements += (share - random.integers(0, 1000, count)).tolist()
        weights.append(choose(0, 0, 1, 32, 64, 128, 128, 255))
        threads += [index] * int(random.integers(1, 2 * count + 2))
    scale = choose(0.05, 0.5, 3.0) * MS
    demand, pause = [], []
    for _ in threads:
        demand.append(tuple(1 + int(x) for x in random.exponential(scale, ROUNDS)))
        rests = random.exponential(choose(0.1, 1.0, 8.0) * scale, ROUNDS)
        # After so many of its rounds a thread goes on at once.
        busy = choose(0.0, 0.5, 1.0)
        pause.append(
            tuple(0 if i and random.random() < busy else 1 + int(x) for i, x in enumerate(rests))
        )
    return Load(
        cores,
        choose(1, 2),
        window,
        choose(MS // 2, MS, 2 * MS) + int(random.integers(1000)),
        choose(0, 0, 3000, 10_000),
        choose(10**12, MS + 13),
        tuple(vps),
        tuple(entitlements),
        tuple(weights),
        tuple(threads),
        tuple(demand),
        tuple(pause),
        12 * window,
    )


def first_difference(ours: Events, theirs: Events) -> int:
    """When two accounts of what happened begin to differ; never, if they do not."""
    for pair in zip_longest(ours, theirs):
        if pair[0] != pair[1]:
            return min(event[0] for event in pair if event is not None)
    return NEVER
