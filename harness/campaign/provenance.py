"""What produced a result: versions, and a digest of the model's own source."""

import platform
import re
from collections.abc import Iterator, Sequence
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

_PACKAGES = ("locust", "numpy", "simpy")
_DECISIVE = (
    "engine",
    "users",
    "model",
    "metrics",
    "catalog/catalog.py",
    "catalog/constant.py",
    "catalog/constants.py",
    "operations",
    "campaign/isolation.py",
    "campaign/cell.py",
    "campaign/script.py",
    "campaign/schema/actions.py",
    "campaign/schema/metrics.py",
    "campaign/schema/scenario.py",
    "runs",
)
"""Parts of the harness that decide what a run results in; the catalog's values are in each run's
identity anyway."""


_DECISIVE_FOR_REAL = (
    "real",
    "users",
    "metrics",
    "campaign/cell.py",
    "campaign/isolation.py",
)
"""The same for what real targets are measured with."""

_SOURCE = (".py", ".c", ".h")


def versions() -> dict[str, str]:
    """Return the versions of vtax, Python and the packages that decide results."""
    return {
        "vtax": version("vtax"),
        "python": platform.python_version(),
        **{name: version(name) for name in _PACKAGES},
    }


@cache
def model_digest(*, real: bool = False) -> str:
    """Return SHA-256 of the version and of all source that decides what a run results in.

    That is the source of the model, or of what measures real targets. Paths and names of source
    files have no effect: a model whose files were moved is the same model.
    """
    paths = _sources(_DECISIVE_FOR_REAL if real else _DECISIVE)
    contents = sorted(sha256(_content(path)).hexdigest() for path in paths)
    return sha256("\n".join([version("vtax"), *contents]).encode()).hexdigest()


_IMPORT = re.compile(
    rb"^[ \t]*(?:from[ \t]+[\w.]+[ \t]+)?import[ \t]+(\([^)]*\)|[^\n(]*)$", re.MULTILINE
)


def _content(path: Path) -> bytes:
    """Return what of a source file counts: its lines, but not where it imports from.

    Of an import the names count, in the order of the alphabet.
    """
    text = path.read_bytes()
    if path.suffix != ".py":
        return text
    names = sorted(
        name.strip().rpartition(b".")[2]
        for match in _IMPORT.finditer(text)
        for name in match[1].strip(b"()").split(b",")
        if name.strip()
    )
    lines = (line.rstrip() for line in _IMPORT.sub(b"", text).splitlines())
    return b"\n".join([*filter(None, lines), *names])


def _sources(decisive: Sequence[str]) -> Iterator[Path]:
    root = Path(__file__).parents[1]
    for part in decisive:
        place = root / part
        files = place.rglob("*") if place.is_dir() else [place] * place.exists()
        yield from (path for path in files if path.suffix in _SOURCE)
    yield from (root.parent / "workloads").rglob("*.py")
