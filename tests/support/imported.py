"""Studies with measurements of real systems."""

from dataclasses import replace
from pathlib import Path

from measured_files import LPARSTAT, NMON, SETTINGS

from harness.analysis.study import Study, analyse
from harness.imports.keep import keep
from harness.imports.results import read_files
from harness.results.store import Store
from reports.evidence import Evidence, gather


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
