"""The same work in plain SimPy and Ciw programs, written as their documentation writes them.

They leave out virtual processors, entitlements, weights, dispatch windows, time slices, clock
ticks, caches, interrupts of others, accounts by cause and all metrics but the number of requests
and their mean response time.
"""

from collections.abc import Callable, Iterator
from functools import partial
from random import Random

import ciw
import simpy
from bench_runs import OPEN, RATE, REQUESTS, Rounds, cpu_seconds, lasting, requests, specification

from harness.results.run_result import RunResult
from harness.runs.run_cell import run_live, run_recorded
from harness.users.recording import RecordingCache
from harness.validation.queues import m_m_c_mean

SERVERS, ARRIVALS_PER_SECOND, SERVICE_SECONDS = 4, 2800.0, 1e-3
"""The load of the campaign with open arrivals: M/M/4."""

# vscsi-random of the campaign carrier on p5-550, first replication.
PARTITIONS, USERS, PROCESSORS = 3, 16, 8
THINK_SECONDS, READS = 20e-3, 0.7
SUBMIT, VIOS_BEFORE, VIOS_AFTER, VIOS_DELAY, COMPLETE, APPLICATION = (
    10.267e-6, 13.711e-6, 12.529e-6, 3.946e-6, 11.449e-6, 130.672e-6,
)  # fmt: skip
QUEUE_DEPTH, SPINDLES = 3, 5
SEEK, ROTATION, BLOCK, CACHED_WRITE = 5.134e-3, 5.268e-3, 168.4e-6, 171.8e-6

PEER_REQUESTS = 40_000
TOLERANCE = 0.05
"""Largest difference of a mean response time: the same is measured."""

Steps = Iterator[simpy.Event]


def simpy_queue(seconds: float, seed: int) -> tuple[int, float]:
    """Serve M/M/4 with SimPy; return requests and their mean response time (s)."""
    env, random, count, total = simpy.Environment(), Random(seed), 0, 0.0
    servers = simpy.Resource(env, SERVERS)

    def customer() -> Steps:
        nonlocal count, total
        start = env.now
        with servers.request() as turn:
            yield turn
            yield env.timeout(random.expovariate(1 / SERVICE_SECONDS))
        count += 1
        total += env.now - start

    def arrivals() -> Steps:
        while True:
            yield env.timeout(random.expovariate(ARRIVALS_PER_SECOND))
            env.process(customer())

    env.process(arrivals())
    env.run(seconds)
    return count, total / count


def ciw_queue(seconds: float, seed: int) -> tuple[int, float]:
    """Serve M/M/4 with Ciw; return requests and their mean response time (s)."""
    ciw.seed(seed)
    network = ciw.create_network(
        arrival_distributions=[ciw.dists.Exponential(ARRIVALS_PER_SECOND)],
        service_distributions=[ciw.dists.Exponential(1 / SERVICE_SECONDS)],
        number_of_servers=[SERVERS],
    )
    simulation = ciw.Simulation(network)
    simulation.simulate_until_max_time(seconds)
    records = simulation.get_all_records()
    return len(records), sum(each.exit_date - each.arrival_date for each in records) / len(records)


def simpy_virtual_scsi(seconds: float, seed: int) -> tuple[int, float]:
    """Serve random transfers over virtual SCSI with SimPy; return requests, mean response (s)."""
    env, random, count, total = simpy.Environment(), Random(seed), 0, 0.0
    processors = simpy.Resource(env, PROCESSORS)

    def compute(burst: float) -> Steps:
        with processors.request() as turn:
            yield turn
            yield env.timeout(burst)

    def transfer(spindle: simpy.Resource) -> Steps:
        with spindle.request() as turn:
            yield turn
            if random.random() < READS:
                positioning = SEEK * (0.5 + random.random()) + ROTATION * random.random()
                yield env.timeout(positioning + BLOCK)
            else:
                yield env.timeout(CACHED_WRITE)

    def user(queue: simpy.Resource, spindles: list[simpy.Resource]) -> Steps:
        nonlocal count, total
        while True:
            yield env.timeout(random.expovariate(1 / THINK_SECONDS))
            start = env.now
            yield from compute(SUBMIT)
            with queue.request() as place:
                yield place
                yield from compute(VIOS_BEFORE)
                yield from transfer(random.choice(spindles))
                yield from compute(VIOS_AFTER)
                yield env.timeout(VIOS_DELAY)
            yield from compute(COMPLETE)
            yield from compute(APPLICATION)
            count += 1
            total += env.now - start

    for _ in range(PARTITIONS):
        queue = simpy.Resource(env, QUEUE_DEPTH)
        spindles = [simpy.Resource(env) for _ in range(SPINDLES)]
        for _ in range(USERS):
            env.process(user(queue, spindles))
    env.run(seconds)
    return count, total / count


COMPARISONS = (
    # What, the run of vtax, the peers, and the mean response time by theory where it is known (s).
    ("random transfers over virtual SCSI", "vscsi-random", {"SimPy": simpy_virtual_scsi}, None),
    (
        "open arrivals, M/M/4",
        OPEN,
        {"SimPy": simpy_queue, "Ciw": ciw_queue},
        m_m_c_mean(ARRIVALS_PER_SECOND * SERVICE_SECONDS / SERVERS, SERVERS, SERVICE_SECONDS),
    ),
)


def vtax(run: Callable[..., RunResult], *arguments: object) -> tuple[float, float]:
    """Carry out a run of vtax; return requests and their mean response time (s)."""
    result = run(*arguments)
    digests = result.digests.values()
    mean = sum(each.sum_ns for each in digests) / sum(each.count for each in digests) / 1e9
    return requests(result), mean


def measure(rounds: int) -> None:
    """Print vtax beside SimPy and Ciw.

    Raises
    ------
    SystemExit
        If mean response times differ: not the same is measured.
    """
    for title, name, peers, theory in COMPARISONS:
        spec, cache = lasting(specification(name), REQUESTS), RecordingCache()
        count, mean = vtax(run_recorded, spec, cache)
        seconds = spec.cell.duration_seconds * PEER_REQUESTS / count
        table = Rounds()
        for seed in range(rounds):
            rates = {}
            for row, run in {
                "vtax, recorded users": partial(vtax, run_recorded, spec, cache),
                "vtax, live users": partial(vtax, run_live, spec),
                **{peer: partial(serve, seconds, seed) for peer, serve in peers.items()},
            }.items():
                own_seconds, (count, response) = cpu_seconds(run)
                rates[row] = count / own_seconds
                table.add(row, rate=rates[row], response=response * 1e3)
            for row, rate in rates.items():
                table.add(row, ratio=rate / rates["SimPy"])
        table.print(
            title,
            RATE,
            ("ratio", "over SimPy", ".1f"),
            ("response", "mean response, ms", ".3f"),
        )
        expected_ms = (theory or mean) * 1e3
        for row in table.values:
            if abs(table.median(row, "response") / expected_ms - 1) > TOLERANCE:
                raise SystemExit(f"{title}: {row}: mean response is not {expected_ms:.3f} ms")
