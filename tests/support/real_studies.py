"""Studies of real systems: of a machine whose truth is known, and of imported measurements."""

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from measured_files import LPARSTAT, NMON, SETTINGS

from harness.analysis.study import Study, analyse, study
from harness.campaign.plan import make_plan
from harness.imports.keep import keep
from harness.imports.results import read_files
from harness.metrics.ddsketch import Digest
from harness.metrics.measures import Measures
from harness.results.store import Failure, Store, StoredRun
from reports.evidence import Evidence, gather

TRUE = {"native": 1.0, "capped": 1.02, "qemu-tcg": 4.0}
REASON = "it did not boot and answer within 30 s"


def run(factor: float, seed: int, *, disturbed: bool) -> Measures:
    noise = random.Random(seed)
    digest = Digest()
    times = [0.01 * factor * noise.uniform(0.98, 1.02) for _ in range(20)]
    for seconds in times:
        digest.add(round(seconds * 1e9))
    return Measures(
        measured_seconds=sum(times),
        warm_up_seconds=0.0,
        transactions=20.0,
        failed=0.0,
        processor_seconds={"target": 0.2 * factor * noise.uniform(0.98, 1.02), "idle": 0.1},
        responses={"target/clerks/unit": (20.0, sum(times))},
        digest=digest.to_json(),
        quantiles={"p50": 0.01 * factor, "p95": 0.011 * factor, "p99": 0.012 * factor},
        partitions={},
        condition={
            "condition_disturbed": float(disturbed),
            "condition_others": 0.3 if disturbed else 0.01,
            "condition_load": 1.5,
            "target_inside_seconds": 1.0,
            "target_outside_seconds": 1.01,
        },
    )


def prediction(workload: str, virtualization: str, ratio: float) -> dict[str, Any]:
    told = {"ratio": ratio, "low": 0.9 * ratio, "high": 1.1 * ratio}
    causes = [
        {"cause": "forks", "share": 0.5, "extra_share": 0.7},
        {"cause": "computing", "share": 0.5, "extra_share": 0.3},
    ]
    return {
        "workload": workload,
        "load": [],
        "virtualization": virtualization,
        "slowdown": told,
        "processor-time": told,
        "causes": causes,
        "notes": [],
    }


def real_study(
    replications: int = 10,
    *,
    broken: Sequence[str] = ("qemu-kvm",),
    failing: bool = False,
    disturbed: int = 1,
    **more: Any,
) -> Study:
    """A study; ``more`` is put into what was found out about the machine.

    Without ``broken`` there are only the targets that work.
    """
    record = make_plan("real").record()
    cells = tuple(
        replace(cell, infeasible=REASON if cell.virtualization in broken else None)
        for cell in record.cells
        if cell.workload in ("integer", "gzip", "web") and cell.virtualization in (*TRUE, *broken)
    )
    real = {
        "machine": {
            "processor": "An imitation <b>",
            "processors": 2,
            "qemu": "7.2",
            "kernel": "1.2.3",
            "measured_at": "2026-01-01T00:00:00+00:00",
            "mitigations": {"flaw": "Mitigation: patience"},
        },
        "targets": {
            name: {"available": True, "kernel": "1.2.3", "channel_seconds": 0.005} for name in TRUE
        }
        | {name: {"available": False, "reason": REASON} for name in broken},
        "predictions": [
            prediction("integer", "qemu-tcg", 4.1),
            prediction("gzip", "qemu-tcg", 2.0),
            prediction("integer", "capped", 1.0),
        ],
        "unpredicted": {"web": "lighttpd fails"},
        **more,
    }
    runs = {
        cell.position: {
            number: run(TRUE[cell.virtualization], number, disturbed=number < disturbed)
            for number in range(replications)
        }
        for cell in cells
        if cell.virtualization in TRUE
    }
    lost = StoredRun("", cells[0], 0, "", Failure.TARGET_FAILED, "native: it was killed", "", None)
    failed = [lost] if failing else []
    return study(replace(record, cells=cells, real=real), runs, failed)


def imported(directory: Path) -> tuple[Study, Evidence]:
    """Import two partitions with broken lines and differing settings, one with settings only."""
    for name, text in (("db.nmon", NMON), ("i.txt", SETTINGS), ("web.txt", LPARSTAT)):
        (directory / name).write_text(text)
    (directory / "only.txt").write_text(SETTINGS.replace(": db", ": only"))
    paths = [directory / name for name in ("db.nmon", "i.txt", "web.txt", "only.txt")]
    keep(read_files(paths), directory / "imported")
    with Store.open(directory / "imported") as store:
        return analyse(store), gather(store, directory / "imported")


def beside(study: Study) -> Study:
    """Give a study of modelled runs measurements of its first partition."""
    runs = next(iter(study.runs.values()))
    name = "app"
    table = f'[measured.{name}]\nsource = "nmon"\nphysc_cores = 0.5\n'
    table += "dispatches_per_second = 100.0\nphantom_interrupts_per_second = 0.0\n"
    values = {"physc_cores": 0.4, "dispatches_total": 90.0, "phantom_interrupts_total": 1.0}
    measured = {key: replace(each, partitions={name: values}) for key, each in runs.items()}
    return replace(
        study,
        campaign=replace(study.campaign, text=table),
        runs=dict.fromkeys(study.runs, measured),
    )
