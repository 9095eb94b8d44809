"""What the benchmarks share: runs to measure, CPU seconds, and tables of medians over rounds."""

import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from harness.campaign.cell import RunSpec
from harness.campaign.plan import make_plan
from harness.results.run_result import RunResult
from harness.runs.run_cell import run_recorded
from harness.users.recording import RecordingCache

T = TypeVar("T")

OPEN, MANY = "open arrivals", "140 partitions"
CARRIER = ("machine=p5-550", "os=aix-5.3", "virtualization=shared-uncapped")
"""The machine of the campaign ``carrier`` on which its workloads are measured."""

REQUESTS = 150_000
"""Requests of a recorded run: so many that its beginning and end do not count, and that their steps
stay in the cache of recordings."""
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
