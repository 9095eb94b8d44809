"""Stores of runs: filled with any results, and exported."""

import os
from collections.abc import Sequence
from pathlib import Path

from harness.prometheus.openmetrics import write_openmetrics
from harness.results.export import all_columns, write_table
from harness.results.packed_result import pack
from harness.results.record import CampaignRecord
from harness.results.run_result import RunResult, Sample
from harness.results.store import Store


def export(store: Store, form: str, findings: Sequence[Sample] = ()) -> Path:
    """Write all that is known of a store's runs as `vtax export --columns all` does."""
    path = store.directory / f"runs.{form}"
    if form == "openmetrics":
        write_openmetrics(store, path, findings)
    else:
        write_table(all_columns(store), path, form)
    return path


def result(value: float, size: int = 0) -> RunResult:
    """A result with one number, and so many random bytes that do not compress."""
    filler = {"filler": os.urandom(size).hex()}
    return RunResult([("a", {}, value), ("b", filler, 0.0)], {}, 1.0, 2.0, 3)


def fill_store(directory: Path, record: CampaignRecord, count: int = 6, size: int = 0) -> None:
    """Add runs of three cells, ``run-0`` and so on, whose first sample is their number."""
    with Store.start(directory, record) as store:
        for number in range(count):
            cell, replication = number % 3, number // 3
            where = (f"run-{number}", cell, replication, "draw", {"hypervisor.wake": 1e-6})
            store.add(*where, pack(result(float(number), size)))
