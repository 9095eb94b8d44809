"""Files that appear whole or not at all, and scratch directories that a killed process leaves.

A scratch directory is locked as long as the process that made it lives. The next one in the same
place first removes those that nobody locks any more.
"""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

PREFIX = ".vtax-"
"""How the names of scratch directories begin."""


@contextlib.contextmanager
def scratch_directory(parent: Path) -> Iterator[Path]:
    """Make a directory that goes when the context is left, or is swept when the process was killed.

    Raises
    ------
    OSError
        If it cannot be made.
    """
    sweep(parent)
    path, lock = _made(parent)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        os.close(lock)


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Write a file beside its place; it takes its place when the context is left without an error.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    with scratch_directory(path.parent) as folder:
        unfinished = folder / path.name
        yield unfinished
        with unfinished.open("rb") as file:
            os.fsync(file.fileno())
        unfinished.replace(path)


def sweep(parent: Path) -> None:
    """Remove the scratch directories of processes that are gone."""
    for path in sorted(parent.glob(f"{PREFIX}*")):
        with contextlib.suppress(OSError):
            lock = _locked(path)
            try:
                shutil.rmtree(path, ignore_errors=True)
            finally:
                os.close(lock)


def _made(parent: Path) -> tuple[Path, int]:
    """Make a directory and lock it; another process may sweep it in between."""
    while True:
        path = Path(tempfile.mkdtemp(dir=parent, prefix=PREFIX))
        with contextlib.suppress(FileNotFoundError, BlockingIOError):
            lock = _locked(path)
            if path.exists():
                return path, lock
            os.close(lock)


def _locked(path: Path) -> int:
    """Lock a directory, or raise ``OSError`` if a living process has it locked."""
    lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise
    return lock
