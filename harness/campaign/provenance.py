"""What produced a result: versions, and a digest of the model's own source."""

import hashlib
import platform
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path

import harness
import workloads

_PACKAGES = ("locust", "numpy", "simpy")
_DECISIVE = (
    "clock.py",
    "processes.py",
    "users.py",
    "partition_on_clock.py",
    "platform",
    "metrics",
    "catalog/catalog.py",
    "catalog/constant.py",
    "catalog/constants.py",
    "operations",
    "campaign/run.py",
    "campaign/scenario.py",
    "campaign/scenario_run.py",
    "campaign/scenario_actions.py",
    "campaign/scenario_checks.py",
    "campaign/timeline.py",
    "campaign/cell.py",
)
"""Parts of the harness that decide what a run results in; the catalog's values are in each run's
identity anyway."""


_DECISIVE_FOR_REAL = ("real", "users.py", "metrics", "campaign/cell.py")
"""The same for what real targets are measured with."""

_SOURCE = (".py", ".c", ".h")


def versions() -> dict[str, str]:
    """Return the versions of vtax, Python and the packages that decide results."""
    return {
        "vtax": harness.__version__,
        "python": platform.python_version(),
        **{name: version(name) for name in _PACKAGES},
    }


@cache
def model_digest(*, real: bool = False) -> str:
    """Return SHA-256 of the version and of all source that decides what a run results in.

    That is the model's, or what measures real targets.
    """
    digest = hashlib.sha256(harness.__version__.encode())
    for name, path in _sources(_DECISIVE_FOR_REAL if real else _DECISIVE):
        digest.update(f"\n{name}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _sources(decisive: Sequence[str]) -> Iterator[tuple[str, Path]]:
    root = Path(harness.__file__).parent
    for part in decisive:
        place = root / part
        files = sorted(place.rglob("*")) if place.is_dir() else [place] * place.exists()
        for path in (each for each in files if each.suffix in _SOURCE):
            yield str(path.relative_to(root)), path
    shipped = Path(workloads.__file__).parent
    for path in sorted(shipped.rglob("*.py")):
        yield f"workloads/{path.relative_to(shipped)}", path
