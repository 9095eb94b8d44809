"""How a site is kept on disk: names that are safe whatever a campaign is called, whole files."""

import contextlib
import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from harness.errors import UserError

MARK = "vtax-site.json"
"""Says that a directory is a site of ours, so that nothing else is ever written over."""

_MARKED = b'{"vtax-site": 1}\n'
_UNFINISHED = ".unfinished-"
_LONGEST = 40


def safe_name(name: str, digest: str) -> str:
    """Return a file name from a campaign's name and the digest of its content.

    It has small letters, digits and hyphens only, so that it cannot lead out of its directory,
    hide, or mean something in a URL; the digest keeps different contents apart.
    """
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower())[:_LONGEST].strip("-") or "campaign"
    return f"{plain}-{digest[:16]}"


def is_safe_name(name: str) -> bool:
    """Whether :func:`safe_name` may have made it."""
    return re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39}-[0-9a-f]{16}", name) is not None


@contextlib.contextmanager
def opened(site: Path) -> Iterator[None]:
    """Make a site's directory, or take an existing one, for oneself alone.

    Raises
    ------
    UserError
        If it cannot be made or written, holds something else, or somebody else publishes there.
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
        held = {path.name for path in site.iterdir() if not path.name.startswith(_UNFINISHED)}
        if held and MARK not in held:
            raise UserError(
                f"{site}: holds something else ({min(held)}) and no site of vtax; choose a new or "
                "empty directory"
            )
        try:
            _sweep(site)
            write(site / MARK, _MARKED)
            yield
        except OSError as error:
            raise UserError(
                f"{error.filename or site}: cannot be written ({error.strerror or error})"
            ) from None
    finally:
        os.close(lock)


def _sweep(site: Path) -> None:
    """Remove what an earlier process left unfinished when it died."""
    for path in site.glob(f"**/{_UNFINISHED}*"):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all; leave it alone if it holds just that."""
    if path.is_file() and path.read_bytes() == content:
        return
    unfinished = path.with_name(_UNFINISHED + path.name)
    try:
        with unfinished.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def write_new(path: Path, content: bytes) -> None:
    """Write a file that is not there yet; what was published never changes."""
    if not path.exists():
        write(path, content)


@contextlib.contextmanager
def new_directory(path: Path) -> Iterator[Path]:
    """Fill a directory beside its place; it appears there whole, or not at all on an error."""
    path.parent.mkdir(exist_ok=True)
    unfinished = path.with_name(_UNFINISHED + path.name)
    unfinished.mkdir()
    try:
        yield unfinished
        unfinished.rename(path)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
