"""Blocks of Prometheus with the samples of a campaign at their simulated timestamps."""

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from harness.errors import UserError
from harness.files import scratch_directory, writing
from harness.printable import last_line
from harness.prometheus.openmetrics import write_openmetrics
from harness.results.run_result import Sample
from harness.results.store import Store

BLOCKS = "prometheus"
"""The directory of the blocks in that of the campaign's results."""

_STATEMENT = "backfill.json"


@dataclass(frozen=True)
class Backfill:
    """What has been written into blocks."""

    sha256: str
    """Of the OpenMetrics text."""
    samples: int
    first_ms: int
    """Time of the first sample, since 1970."""
    last_ms: int


def backfill(store: Store, findings: Sequence[Sample] = ()) -> tuple[Path, Backfill, bool]:
    """Write all intact runs of a store into blocks, and make sure that every sample is in them.

    The blocks take their place as a whole or not at all. Where they hold the same samples already,
    nothing changes.

    Parameters
    ----------
    store
        Where the runs are.
    findings
        What the analysis found (:mod:`harness.analysis.samples`).

    Returns
    -------
    Path
        The directory of the blocks.
    Backfill
        What is in it.
    bool
        Whether anything was written.

    Raises
    ------
    UserError
        If there is no complete run, ``promtool`` is missing or fails, samples got lost, or the
        directory cannot be written.
    """
    blocks = store.directory / BLOCKS
    if not store.counts()["complete"]:
        raise UserError(f"{store.directory}: no run has a result yet; there is nothing to observe")
    promtool = installed("promtool")
    with writing(blocks), scratch_directory(store.directory) as folder:
        text, fresh = folder / "openmetrics", folder / BLOCKS
        write_openmetrics(store, text, findings)
        wanted = _statement(text)
        if _held(blocks) == wanted and _lost(promtool, blocks, wanted) is None:
            return blocks, wanted, False
        _tool(promtool, "tsdb", "create-blocks-from", "openmetrics", str(text), str(fresh))
        lost = _lost(promtool, fresh, wanted)
        if lost is not None:
            raise UserError(f"{blocks}: {lost}; the campaign's results are untouched")
        (fresh / _STATEMENT).write_text(json.dumps(asdict(wanted), indent=2) + "\n")
        if blocks.exists():
            blocks.rename(folder / "replaced")
        fresh.rename(blocks)
    return blocks, wanted, True


def installed(program: str) -> str:
    """Return the path of ``prometheus`` or ``promtool``; they come in one package.

    Raises
    ------
    UserError
        If it is not installed.
    """
    path = shutil.which(program)
    if path is None:
        raise UserError(
            f"{program} is not installed (Debian: apt-get install prometheus); "
            "the campaign's results are untouched"
        )
    return path


def link_blocks(blocks: Path, into: Path) -> None:
    """Make the blocks appear in another directory: by hard links where the file system has them.

    What Prometheus does there (compaction, its log of writes) leaves the originals as they are,
    for it never writes to a block's files in place.
    """
    for meta in sorted(blocks.glob("*/meta.json")):
        shutil.copytree(meta.parent, into / meta.parent.name, copy_function=_link)


def _link(source: str, target: str) -> str:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
    return target


def _statement(text: Path) -> Backfill:
    """Return what the blocks made of an OpenMetrics text must hold."""
    with text.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        file.seek(0)
        lines = (line for line in file if not line.startswith(b"#"))
        return Backfill(digest, *_extent(round(1000 * float(_time(line))) for line in lines))


def _time(line: bytes) -> bytes:
    return line.rpartition(b" ")[2]


def _extent(times_ms: Iterable[int]) -> tuple[int, int, int]:
    """Return the number of samples, and the first and the last time; 0 without samples."""
    samples = first = last = 0
    for at in times_ms:
        first = min(first, at) if samples else at
        last = max(last, at) if samples else at
        samples += 1
    return samples, first, last


def _held(blocks: Path) -> Backfill | None:
    """Return what the existing blocks hold by their statement; None without one."""
    try:
        return Backfill(**json.loads((blocks / _STATEMENT).read_text()))
    except (OSError, ValueError, TypeError):
        return None


def _lost(promtool: str, blocks: Path, wanted: Backfill) -> str | None:
    """Read all blocks back; return what differs from what must be in them, in words."""
    with scratch_directory(blocks.parent) as folder:
        link_blocks(blocks, folder)
        # promtool 2.42 refuses to read a directory that no server has ever written to.
        (folder / "wal").mkdir()
        log = folder / "log"
        with (
            log.open("wb") as errors,
            subprocess.Popen(
                [promtool, "tsdb", "dump", str(folder)], stdout=subprocess.PIPE, stderr=errors
            ) as process,
        ):
            assert process.stdout is not None
            samples, first, last = _extent(int(_time(line)) for line in process.stdout)
        if process.returncode:
            why = last_line(log.read_text(errors="replace")) or "it said nothing"
            return f"the blocks cannot be read back ({why})"
    if (samples, first, last) != (wanted.samples, wanted.first_ms, wanted.last_ms):
        return (
            f"{samples} samples from {first} to {last} ms arrived, not {wanted.samples} from "
            f"{wanted.first_ms} to {wanted.last_ms} ms"
        )
    return None


def _tool(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode:
        why = last_line(done.stderr or done.stdout) or "it said nothing"
        raise UserError(f"promtool failed ({why}); the campaign's results are untouched")
