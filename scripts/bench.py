"""How fast the model is: modelled requests/s beside a null client on Locust's own runner.

Both run in this one process on one core, in turns, so that what slows the machine down slows both;
the ratio of neighbours is what counts, and its median is the result.
"""

import argparse
import cProfile
import os
import pstats
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

os.environ["LOCUST_SKIP_MONKEY_PATCH"] = "1"
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})

import gevent
from locust import User, constant, task
from locust.env import Environment

from harness.campaign.cell import RunSpec
from harness.campaign.plan import make_plan
from harness.engine import compiled
from harness.runs.run_cell import run_cell

WORKLOADS = ("vscsi-random", "vscsi-sequential")
NULL_SECONDS = 1.0
MODELLED_SECONDS = 10.0


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
    """Measure the null client's requests per second on a LocalRunner with Locust's statistics."""
    environment = Environment(user_classes=[NullUser])
    runner = environment.create_local_runner()
    runner.start(10, spawn_rate=100)
    gevent.sleep(0.5)
    before, start = environment.stats.total.num_requests, time.perf_counter()
    gevent.sleep(NULL_SECONDS)
    rate = (environment.stats.total.num_requests - before) / (time.perf_counter() - start)
    runner.quit()
    return rate


def specification(workload: str) -> RunSpec:
    """Take the carrier's run of a workload on shared uncapped partitions of the p5-550."""
    only = [
        f"workload={workload}",
        "machine=p5-550",
        "os=aix-5.3",
        "virtualization=shared-uncapped",
    ]
    spec = next(iter(make_plan("carrier", replications=1, only=only).runs()))
    # Long enough for the timer and for the run's beginning and end not to matter.
    return replace(spec, cell=replace(spec.cell, duration_seconds=MODELLED_SECONDS))


def modelled_rate(spec: RunSpec) -> float:
    """Measure modelled requests per second, the whole run with all its metrics included."""
    start = time.perf_counter()
    result = run_cell(spec)
    seconds = time.perf_counter() - start
    # Requests of the warm-up are carried out like all others.
    share = result.measured_seconds / (result.measured_seconds + result.warm_up_seconds)
    return result.requests / share / seconds


def print_after() -> None:
    """Print what follows runs, in CPU milliseconds for each run and as a share of the run itself.

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

        run_cell(own[0])
        begin = time.process_time()
        results = {number: run_cell(spec) for number, spec in own.items()}
        run_seconds = (time.process_time() - begin) / len(own)
        packed = {number: pack(result) for number, result in results.items()}
        print(f"\n{len(specs)} runs of {1e3 * run_seconds:.1f} ms each, and what follows")
        for name, count, step in (
            ("packing", len(own), lambda: [pack(result) for result in results.values()]),
            ("storing", len(specs), fill),
            ("verdict", len(specs), lambda: read(analyse)),
            ("export", len(specs), lambda: read(lambda store: csv_text(all_columns(store)))),
            ("report", len(specs), lambda: build_reports(directory)),
        ):
            begin = time.process_time()
            step()
            seconds = (time.process_time() - begin) / count
            print(f"{name:>10} {1e3 * seconds:>8.2f} ms {seconds / run_seconds:>8.3f} of the run")


def main() -> None:
    """Print rates and ratios, and on demand a profile."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--profile", action="store_true", help="show where a run's time goes")
    parser.add_argument("--after", action="store_true", help="show the costs of what follows runs")
    arguments = parser.parse_args()
    specs = {workload: specification(workload) for workload in WORKLOADS}
    for spec in specs.values():
        run_cell(spec)
    ratios: dict[str, list[float]] = {workload: [] for workload in WORKLOADS}
    print("modules:", "compiled" if compiled.in_use() else "interpreted")
    print(
        f"{'round':>5} {'null client':>12}",
        *(f"{name + '/s':>20} {'ratio':>6}" for name in WORKLOADS),
    )
    for number in range(1, arguments.rounds + 1):
        null = null_rate()
        row = [f"{number:>5} {null:>10,.0f}/s"]
        for workload, spec in specs.items():
            rate = modelled_rate(spec)
            ratios[workload].append(rate / null)
            row.append(f"{rate:>20,.0f} {rate / null:>6.3f}")
        print(*row)
    for workload in WORKLOADS:
        median = statistics.median(ratios[workload])
        print(f"{workload}: median ratio {median:.3f}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory of this process: {peak:.0f} MiB")
    if arguments.after:
        print_after()
    if arguments.profile:
        for workload, spec in specs.items():
            print(f"\nprofile of {workload} (VTAX_INTERPRETED=1 shows all functions)")
            profile = cProfile.Profile()
            profile.runcall(run_cell, spec)
            pstats.Stats(profile).sort_stats("tottime").print_stats(25)


if __name__ == "__main__":
    main()
