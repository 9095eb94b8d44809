"""Modules that a build of the package compiles with mypyc, and when they are used.

They do what their sources do, faster. Their sources are used instead where a source has changed
since, and where the environment variable ``VTAX_INTERPRETED`` is set: a profiler cannot look into
compiled code, and a test cannot replace its methods.
"""

import hashlib
import os
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import SOURCE_SUFFIXES, FileFinder, ModuleSpec, SourceFileLoader
from pathlib import Path
from types import ModuleType

MODULES = (
    "workloads.arguments",
    "harness.engine.rounding",
    "harness.engine.splitmix",
    "harness.engine.linked_list",
    "harness.engine.event",
    "harness.engine.event_queue",
    "harness.engine.clock",
    "harness.engine.realtime_clock",
    "harness.metrics.ddsketch",
    "harness.metrics.observer",
    "harness.model.ledger",
    "harness.model.tally",
    "harness.model.costs",
    "harness.model.partition",
    "harness.model.cpu.burst",
    "harness.model.cpu.contention",
    "harness.model.cpu.run_queue",
    "harness.model.cpu.counters",
    "harness.model.cpu.entities",
    "harness.model.cpu.clock_tick",
    "harness.model.cpu.reconfiguration",
    "harness.model.cpu.cache_refill",
    "harness.model.cpu.pace",
    "harness.model.cpu.topology",
    "harness.model.cpu.free_processors",
    "harness.model.cpu.dispatcher",
    "harness.model.cpu.dedicated",
    "harness.model.cpu.spare_capacity",
    "harness.model.cpu.shared_pool",
    "harness.model.cpu.host_scheduler",
    "harness.model.cpu.folding",
    "harness.model.io.channels",
    "harness.model.io.disk",
    "harness.model.io.vios",
    "harness.model.io.block_path",
    "harness.model.net.link",
    "harness.model.net.stages",
    "harness.model.net.bridge",
    "harness.users.user_thread",
    "harness.users.partition",
    "harness.users.steps",
    "harness.users.recorded_user",
)
"""Where a run's time goes, and what has a compiled class as its base."""

DIGEST = "harness/compiled.sha256"
"""File that says from which sources the compiled modules were made."""

_ROOT = Path(__file__).parents[2]


def digest(root: Path) -> str:
    """Return the digest of the sources of all modules in a tree."""
    of_all = hashlib.sha256()
    for module in MODULES:
        of_all.update(root.joinpath(*module.split(".")).with_suffix(".py").read_bytes())
    return of_all.hexdigest()


def available() -> bool:
    """Whether compiled modules are there, made from the present sources."""
    try:
        return (_ROOT / DIGEST).read_text(encoding="ascii") == digest(_ROOT)
    except FileNotFoundError:
        return False


class _SourceFinder(MetaPathFinder):
    """Finds the sources of modules that are compiled too."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in MODULES or path is None:
            return None
        for folder in path:
            spec = FileFinder(folder, (SourceFileLoader, SOURCE_SUFFIXES)).find_spec(fullname)
            if spec is not None:
                return spec
        return None


def choose() -> None:
    """Import the sources from now on unless the compiled modules are wanted and up to date."""
    if os.environ.get("VTAX_INTERPRETED") or not available():
        sys.meta_path.insert(0, _SourceFinder())


def in_use() -> bool:
    """Whether compiled modules are imported."""
    return available() and not any(isinstance(each, _SourceFinder) for each in sys.meta_path)
