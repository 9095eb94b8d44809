"""Files of a site: names that are safe for any name of a campaign, whole files."""

import contextlib
import fcntl
import os
import re
from collections.abc import Iterator
from pathlib import Path

from harness.errors import UserError
from harness.files import PREFIX, scratch_directory, sweep, whole_file

MARK = "vtax-site.json"
"""Marks a directory as a site; no other directory is ever written to."""

_MARKED = b'{"vtax-site": 1}\n'
_LONGEST = 40


def safe_name(name: str, digest: str) -> str:
    """Return a file name from a campaign's name and the digest of its content.

    It has small letters, digits and hyphens only: it cannot lead out of its directory, be a hidden
    file, or have a meaning in a URL. The digest makes names of different contents different.
    """
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower())[:_LONGEST].strip("-") or "campaign"
    return f"{plain}-{digest[:16]}"


def is_safe_name(name: str) -> bool:
    """Whether a name has the form of :func:`safe_name`."""
    return re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39}-[0-9a-f]{16}", name) is not None


@contextlib.contextmanager
def opened(site: Path) -> Iterator[None]:
    """Make or open a site's directory and lock it.

    Raises
    ------
    UserError
        If it cannot be made or written, is no site, or is locked by another process.
    """
    try:
        site.mkdir(parents=True, exist_ok=True)
        lock = os.open(site, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise UserError(f"{site}: cannot be made or opened ({error.strerror})") from None
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise UserError(f"{site}: another vtax publishes there; wait for it") from None
        held = {path.name for path in site.iterdir() if not path.name.startswith(PREFIX)}
        if held and MARK not in held:
            raise UserError(
                f"{site}: holds something else ({min(held)}) and no site of vtax; choose a new or "
                "empty directory"
            )
        try:
            for parent in {path.parent for path in site.rglob(f"{PREFIX}*")}:
                sweep(parent)
            write(site / MARK, _MARKED)
            yield
        except OSError as error:
            raise UserError(
                f"{error.filename or site}: cannot be written ({error.strerror or error})"
            ) from None
    finally:
        os.close(lock)


def write(path: Path, content: bytes) -> None:
    """Write a whole file or none; leave it alone if it has that content."""
    if path.is_file() and path.read_bytes() == content:
        return
    with whole_file(path) as unfinished:
        unfinished.write_bytes(content)


def write_new(path: Path, content: bytes) -> None:
    """Write a file unless it exists; published files never change."""
    if not path.exists():
        write(path, content)


@contextlib.contextmanager
def new_directory(path: Path) -> Iterator[Path]:
    """Fill a new directory; it appears whole, or not at all after an error."""
    path.parent.mkdir(exist_ok=True)
    with scratch_directory(path.parent) as folder:
        unfinished = folder / path.name
        unfinished.mkdir()
        yield unfinished
        unfinished.rename(path)
