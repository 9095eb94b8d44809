"""Compiled modules in place of their sources, where ``scripts/compile`` has made some.

mypyc makes them out of the very same sources: they do the same, only faster. They are kept under a
digest of these sources, so that after a change the sources count until they are compiled anew.
"""

import hashlib
import os
import sys
import sysconfig
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType

GROUP = "vtax"
"""What mypyc calls the library that holds the code of all modules together."""

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
    "harness.model.ledger",
    "harness.model.tally",
    "harness.model.costs",
    "harness.model.partition",
    "harness.model.cpu.burst",
    "harness.model.cpu.entities",
    "harness.model.cpu.free_processors",
    "harness.model.cpu.dispatcher",
    "harness.model.cpu.dedicated",
    "harness.model.cpu.shared_pool",
    "harness.model.cpu.host_scheduler",
    "harness.model.cpu.folding",
    "harness.model.io.disk",
    "harness.model.io.vios",
    "harness.model.io.block_path",
    "harness.model.net.link",
    "harness.model.net.stages",
    "harness.users.user_thread",
    "harness.users.partition",
)
"""Where a run's time goes, and what has a compiled class as its base."""

ALL = Path(sysconfig.get_path("platlib")) / "vtax-compiled"
"""Where compiled modules are kept, in the environment of the Python that they are made for."""

_ROOT = Path(__file__).parents[2]
_SUFFIX = str(sysconfig.get_config_var("EXT_SUFFIX"))


def source(module: str) -> Path:
    """Return the source file of a module."""
    return _ROOT.joinpath(*module.split(".")).with_suffix(".py")


def place() -> Path:
    """Return the folder of the modules that are compiled from the present sources."""
    digest = hashlib.sha256()
    for module in MODULES:
        digest.update(source(module).read_bytes())
    return ALL / digest.hexdigest()[:16]


class _Finder(MetaPathFinder):
    """Finds compiled modules before their sources."""

    def __init__(self, folder: Path) -> None:
        self.files = {
            module: folder.joinpath(*module.split(".")).with_suffix(_SUFFIX)
            for module in (*MODULES, f"{GROUP}__mypyc")
        }

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        file = self.files.get(fullname)
        if file is None or not file.exists():
            return None
        return spec_from_file_location(fullname, file)


def use() -> None:
    """Let compiled modules be imported from now on, if there are any.

    The environment variable ``VTAX_INTERPRETED`` (not empty) keeps to the sources, for a profiler
    that cannot look into compiled code.
    """
    folder = place()
    if folder.is_dir() and not os.environ.get("VTAX_INTERPRETED"):
        sys.meta_path.insert(0, _Finder(folder))


def in_use() -> bool:
    """Whether compiled modules are imported."""
    return any(isinstance(finder, _Finder) for finder in sys.meta_path)
