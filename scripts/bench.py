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
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

os.environ["LOCUST_SKIP_MONKEY_PATCH"] = "1"
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})

import gevent
from bench_runs import (
    MANY,
    OPEN,
    RATE,
    REQUESTS,
    Rounds,
    cpu_seconds,
    lasting,
    rate,
    requests,
    specification,
)
from locust import User, constant, task
from locust.env import Environment

from harness.campaign.plan import make_plan
from harness.engine import compiled
from harness.runs.run_cell import run_live, run_recorded
from harness.users.recording import RecordingCache

LIVE = ("vscsi-random", "vscsi-sequential", "commercial", "sea-transactions", OPEN)
RECORDED = (
    *("integer", "commercial", "vscsi-random", "vscsi-sequential"),
    *("sea-transactions", "sea-stream", "vlan", OPEN),
)
LIVE_REQUESTS = 50_000
NULL_SECONDS = 1.0


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
