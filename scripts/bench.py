"""How fast vtax is: modelled requests per CPU second, beside Locust and beside other simulators.

Neighbours run in turns in one process on one core, so that what slows the machine down slows all;
the ratio of neighbours is what counts, and the median over the rounds is the result.
"""

import argparse
import cProfile
import os
import platform
import pstats
import resource
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

os.environ["LOCUST_SKIP_MONKEY_PATCH"] = "1"
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})

import gevent
from locust import User, constant, task
from locust.env import Environment

from harness.campaign.cell import RunSpec
from harness.campaign.plan import make_plan
from harness.engine import compiled
from harness.results.run_result import RunResult
from harness.runs.run_cell import run_live, run_recorded
from harness.users.recording import RecordingCache

T = TypeVar("T")

OPEN, MANY = "open arrivals", "140 partitions"
LIVE = ("vscsi-random", "vscsi-sequential", "commercial", "sea-transactions", OPEN)
RECORDED = (
    *("integer", "commercial", "vscsi-random", "vscsi-sequential"),
    *("sea-transactions", "sea-stream", "vlan", OPEN),
)
CARRIER = ("machine=p5-550", "os=aix-5.3", "virtualization=shared-uncapped")
"""The machine of the campaign ``carrier`` on which its workloads are measured."""

REQUESTS = 150_000
"""Requests of a recorded run: so many that its beginning and end do not count, and that their steps
stay in the cache of recordings."""
LIVE_REQUESTS = 50_000
NULL_SECONDS = 1.0
RATE = ("rate", "requests per CPU second", ",.0f")

CAMPAIGNS = {
    # M/M/4, but for clock ticks: the peers serve the same load.
    OPEN: """
        [campaign]
        name = "open"
        duration = "1 s"
        [machines.four]
        type = "9133-55A"
        generation = "POWER5+"
        cores = 4
        clock = "1.65 GHz"
        memory = "32 GiB"
        [factors]
        machine = ["four"]
        os = ["aix-5.3"]
        virtualization = ["full-system"]
        workload = ["open"]
        [[partitions]]
        name = "app"
        share = "100 %"
        [workloads.open]
        user = "workloads/cpu.py:IntegerCompute"
        arrivals = "2800 /s"
        demand = { processor = "1 ms", variation = 1.0 }
        [catalog.processor.working_set]
        value = 0
        unit = "KiB"
        source = "a queue has no caches"
        status = "assumed"
        by_definition = true
    """,
    MANY: """
        [campaign]
        name = "many"
        duration = "1 s"
        [factors]
        machine = ["p5-570"]
        os = ["aix-5.3"]
        virtualization = ["shared-uncapped"]
        workload = ["integer"]
        [[partitions]]
        name = "app"
        count = 140
        entitlement = 0.1
        virtual_processors = 1
        [workloads.integer]
        users = 1
    """,
}


class NullClient:
    """A client as Locust's documentation builds them, around a call that does nothing."""

    def __init__(self, environment: Environment) -> None:
        self.request = environment.events.request

    def call(self) -> None:
        """Measure nothing and report it."""
        meta = {
            "request_type": "null",
            "name": "call",
            "start_time": time.time(),
            "response_length": 0,
            "exception": None,
            "context": {},
            "response": None,
        }
        start = time.perf_counter()
        meta["response_time"] = (time.perf_counter() - start) * 1000
        self.request.fire(**meta)


class NullUser(User):
    """Calls the null client as fast as Locust lets it."""

    wait_time = constant(0)

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self.client = NullClient(environment)

    @task
    def call(self) -> None:
        """Make one call."""
        self.client.call()


def null_rate() -> float:
    """Measure the null client's requests per CPU second on Locust's LocalRunner with statistics."""
    environment = Environment(user_classes=[NullUser])
    runner = environment.create_local_runner()
    runner.start(10, spawn_rate=100)
    gevent.sleep(0.5)
    before, start = environment.stats.total.num_requests, time.process_time()
    gevent.sleep(NULL_SECONDS)
    rate = (environment.stats.total.num_requests - before) / (time.process_time() - start)
    runner.quit()
    return rate


def specification(name: str) -> RunSpec:
    """Return a run of one of the campaigns above, or of a workload of ``carrier``."""
    if name not in CAMPAIGNS:
        only = (f"workload={name}", *CARRIER)
        return next(iter(make_plan("carrier", replications=1, only=only).runs()))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "bench.toml")
        path.write_text(CAMPAIGNS[name], encoding="utf-8")
        return next(iter(make_plan(str(path), replications=1).runs()))


def requests(result: RunResult) -> float:
    """Return the requests of a run, those of its warm-up included."""
    return result.requests * (1 + result.warm_up_seconds / result.measured_seconds)


def lasting(spec: RunSpec, count: int) -> RunSpec:
    """Let a run last for about so many requests."""
    seconds = spec.cell.duration_seconds * count / requests(run_recorded(spec, RecordingCache()))
    return replace(spec, cell=replace(spec.cell, duration_seconds=seconds))


def cpu_seconds(call: Callable[[], T]) -> tuple[float, T]:
    """Measure the CPU seconds of a call."""
    start = time.process_time()
    result = call()
    return time.process_time() - start, result


def rate(call: Callable[[], RunResult]) -> float:
    """Measure the requests per CPU second of a run, with all its metrics."""
    seconds, result = cpu_seconds(call)
    return requests(result) / seconds


class Rounds:
    """Values by row and column of a table, one of each round."""

    def __init__(self) -> None:
        self.values: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))

    def add(self, row: str, **columns: float) -> None:
        """Add the values of a round."""
        for column, value in columns.items():
            self.values[row][column].append(value)

    def median(self, row: str, column: str) -> float:
        """Return the median over the rounds."""
        return statistics.median(self.values[row][column])

    def print(self, title: str, *columns: tuple[str, str, str]) -> None:
        """Print the medians as a Markdown table, from columns' keywords, headings and formats."""
        lines = [[title, *(heading for _, heading, _ in columns)]]
        lines.append(["---", *("---:" for _ in columns)])
        lines += [
            [row, *(format(self.median(row, key), how) for key, _, how in columns)]
            for row in self.values
        ]
        print()
        for line in lines:
            print("|", " | ".join(line), "|")


def measure_live(rounds: int) -> None:
    """Measure live users beside the null client."""
    specs = {name: lasting(specification(name), LIVE_REQUESTS) for name in LIVE}
    table = Rounds()
    for _ in range(rounds):
        null = null_rate()
        table.add("null Locust client", rate=null, ratio=1.0)
        for name, spec in specs.items():
            own = rate(partial(run_live, spec))
            table.add(name, rate=own, ratio=own / null)
    table.print("live users", RATE, ("ratio", "over null client", ".2f"))


def measure_recorded(rounds: int) -> None:
    """Measure recorded users: recording, repeating, and a run of the campaign's own duration."""
    short = {name: specification(name) for name in RECORDED}
    specs = {name: lasting(spec, REQUESTS) for name, spec in short.items()}
    table = Rounds()
    for _ in range(rounds):
        for name, spec in specs.items():
            cache = RecordingCache()
            first, result = cpu_seconds(partial(run_recorded, spec, cache))
            again, _ = cpu_seconds(partial(run_recorded, spec, cache))
            one_run, _ = cpu_seconds(partial(run_recorded, short[name], cache))
            count = requests(result)
            table.add(
                name, rate=count / again, recording=(first - again) / count * 1e6, run=one_run * 1e3
            )
    table.print(
        "recorded users",
        RATE,
        ("recording", "recording, us a request", ".1f"),
        ("run", "a run of the campaign, ms", ".1f"),
    )


def measure_many_partitions(rounds: int) -> None:
    """Measure one run of 140 partitions."""
    spec, cache, table = specification(MANY), RecordingCache(), Rounds()
    for _ in range(rounds + 1):
        seconds, _ = cpu_seconds(partial(run_recorded, spec, cache))
        table.add(MANY, run=seconds * 1e3)
    table.print("one run", ("run", "ms", ".0f"))


def processor_model() -> str:
    """Return the processor's name."""
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()


def measure_after() -> None:
    """Measure what follows runs, for each run and as a share of a live run itself.

    One cell of the carrier is run; its results stand for those of all cells.
    """
    from harness.analysis.study import analyse
    from harness.results.export import all_columns, csv_text
    from harness.results.packed_result import pack
    from harness.results.store import Store
    from reports.builder import build_reports

    plan = make_plan("carrier", replications=20)
    specs = plan.runs()
    place = specification("commercial").cell_position
    own = {spec.replication: spec for spec in specs if spec.cell_position == place}
    table = Rounds()
    with tempfile.TemporaryDirectory(prefix="vtax-bench-") as folder:
        directory = Path(folder)

        def read(what: Callable[[Store], object]) -> None:
            with Store.open(directory) as store:
                what(store)

        def fill() -> None:
            with Store.start(directory, plan.record()) as store:
                for each in specs:
                    where = (each.identity, each.cell_position, each.replication)
                    drawn = plan.drawn[each.constants_digest]
                    store.add(*where, each.constants_digest, drawn, packed[each.replication])

        seconds, results = cpu_seconds(lambda: {n: run_live(spec) for n, spec in own.items()})
        run_seconds = seconds / len(own)
        packed = {number: pack(result) for number, result in results.items()}
        for name, count, step in (
            ("packing", len(own), lambda: [pack(result) for result in results.values()]),
            ("storing", len(specs), fill),
            ("verdict", len(specs), lambda: read(analyse)),
            ("export", len(specs), lambda: read(lambda store: csv_text(all_columns(store)))),
            ("report", len(specs), lambda: build_reports(directory)),
        ):
            seconds = cpu_seconds(step)[0] / count
            table.add(name, ms=seconds * 1e3, share=seconds / run_seconds)
    table.print(
        f"after {len(specs)} runs", ("ms", "ms a run", ".2f"), ("share", "of a live run", ".3f")
    )


def main() -> None:
    """Print what is measured as Markdown tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peers", action="store_true", help="measure SimPy and Ciw too")
    parser.add_argument("--after", action="store_true", help="measure what follows runs")
    parser.add_argument("--profile", action="store_true", help="show where a run's time goes")
    arguments = parser.parse_args()
    modules = "compiled" if compiled.in_use() else "interpreted"
    load = " ".join(f"{each:.1f}" for each in os.getloadavg())
    print(
        f"{processor_model()}, {os.cpu_count()} processors, load {load}; Python "
        f"{platform.python_version()}; modules {modules}. CPU seconds; medians of "
        f"{arguments.rounds} rounds."
    )
    measure_live(arguments.rounds)
    measure_recorded(arguments.rounds)
    measure_many_partitions(arguments.rounds)
    if arguments.peers:
        import bench_peers

        bench_peers.measure(arguments.rounds)
    if arguments.after:
        measure_after()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"\npeak memory of this process: {peak:.0f} MiB")
    if arguments.profile:
        for name in LIVE:
            print(f"\nprofile of {name}, live (VTAX_INTERPRETED=1 shows all functions)")
            profile = cProfile.Profile()
            profile.runcall(run_live, lasting(specification(name), LIVE_REQUESTS))
            pstats.Stats(profile).sort_stats("tottime").print_stats(25)


if __name__ == "__main__":
    main()
