"""Reading files that users name, and writing whole files.

Only regular files are read, up to a maximum size and depth of tables. A file is written in a
scratch directory and then moved, so that it appears whole or not at all. A process locks its
scratch directories; before a new one is made, those without a lock in the same directory are
removed.
"""

import codecs
import contextlib
import errno
import fcntl
import math
import os
import re
import shutil
import stat
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness.errors import UserError

MOST_BYTES = 2**20
"""Size of the largest campaign, catalog, policy or locustfile that is read."""
MOST_LEVELS = 16
"""Largest depth of nested tables and lists."""
MOST_KEY = 256
"""Characters of the longest key, quoted or not."""
MOST_INTEGER = 2**63
"""TOML's whole numbers are below this, and not below its negative."""

_MOST_LINKS = 40
"""As many as Linux follows one after the other."""

PREFIX = ".vtax-"
"""How the names of scratch directories begin."""

_MARKS = (
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)

_PART = r"""(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')"""
# The standard library's parser needs time in proportion to the square of a key's parts.
_REPEATED = re.compile(r"Cannot (?:declare .* twice|overwrite a value) \(at line (\d+),.*")
_LONG_KEY = re.compile(rf"""(?<![\w\-"']){_PART}(?:[ \t]*+\.[ \t]*+{_PART}){{{2 * MOST_LEVELS}}}""")


def read_bytes(path: Path, most: int = MOST_BYTES) -> bytes:
    """Read a whole file.

    Parameters
    ----------
    path
        The file, as messages name it.
    most
        Largest size that is read, in bytes.

    Raises
    ------
    UserError
        If it cannot be read, is no regular file (a directory, a device, a pipe), or is larger.
    """
    try:
        # Opening a pipe would wait for its other end.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            mode = os.fstat(descriptor).st_mode
            if not stat.S_ISREG(mode):
                raise UserError(f"{path}: cannot be read (it is {_kind(mode)}, not a regular file)")
            with os.fdopen(descriptor, "rb", closefd=False) as file:
                content = file.read(most + 1)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise UserError(f"{shortened(path, 200)}: cannot be read ({error.strerror})") from None
    except ValueError:
        raise UserError(
            f"{shortened(path, 200)}: cannot be read (not the name of a file)"
        ) from None
    if len(content) > most:
        raise UserError(f"{path}: cannot be read (it is larger than {most:,} bytes)")
    return content


def decode(content: bytes, name: str) -> str:
    """Return the text of a file, with lines that end in a line feed.

    Parameters
    ----------
    content
        The bytes of the file. A byte order mark of UTF-8 is left out.
    name
        Name of the file in messages.

    Raises
    ------
    UserError
        If the encoding is another one, which the message names, or a null byte is in it.
    """
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            raise UserError(f"{name}: is encoded in {encoding}; save it as UTF-8")
    if b"\0" in content:
        line = content[: content.index(b"\0")].count(b"\n") + 1
        raise UserError(f"{name}: line {line}: has a null byte; a text in UTF-8 has none")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        byte = content[error.start]
        raise UserError(
            f"{name}: line {line}: is not UTF-8 (byte 0x{byte:02x}, as in Latin-1 or "
            "Windows-1252); save it as UTF-8"
        ) from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read_text(path: Path, most: int = MOST_BYTES) -> str:
    """Read a whole text in UTF-8, with or without a byte order mark.

    Raises
    ------
    UserError
        As :func:`read_bytes` does, or if it is no such text.
    """
    return decode(read_bytes(path, most), str(path))


def read_toml(path: Path, most: int = MOST_BYTES) -> dict[str, Any]:
    """Read a TOML file whose numbers are finite and of 64 bits.

    Raises
    ------
    UserError
        As :func:`read_text` and :func:`parse_toml` do.
    """
    return parse_toml(read_text(path, most), str(path))


def parse_toml(text: str, name: str) -> dict[str, Any]:
    """Parse TOML whose numbers are finite and of 64 bits.

    Parameters
    ----------
    text
        The content of the file.
    name
        Name of the file in messages.

    Raises
    ------
    UserError
        If it is not TOML, is nested too deeply, or holds a number that no key can have.
    """
    too_deep = f"{name}: is nested too deeply; at most {MOST_LEVELS} levels are read"
    if _LONG_KEY.search(text):
        raise UserError(too_deep)
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        reason = shortened(error, 200) + _repeated_table(text, str(error))
        raise UserError(f"{name}: is not TOML: {reason}") from None
    except ValueError:
        # Python refuses to read thousands of digits.
        raise UserError(f"{name}: holds a number that is too large") from None
    except RecursionError:
        raise UserError(too_deep) from None
    level: list[tuple[str, Any]] = [("", data)]
    for _ in range(MOST_LEVELS):
        level = [entry for key, value in level for entry in _entries(name, key, value)]
        if not level:
            return data
    raise UserError(too_deep)


def _repeated_table(text: str, error: str) -> str:
    """Return how tables of one name are written if that is the error, after a semicolon."""
    place = _REPEATED.fullmatch(error)
    line = text.split("\n")[int(place[1]) - 1].strip() if place else ""
    if not line.startswith("["):
        return ""
    return f"; a table is written once; where several are allowed, each is [[{line.strip('[] ')}]]"


def _entries(name: str, key: str, value: Any) -> list[tuple[str, Any]]:
    """List the entries of a table or list; check a number."""
    prefix = f"{key}." if key else ""
    if isinstance(value, dict):
        long = next((inner for inner in value if len(inner) > MOST_KEY), None)
        if long is not None:
            raise UserError(f"{name}: {shortened(long)}: is too long a key")
        return [(f"{prefix}{inner}", content) for inner, content in value.items()]
    if isinstance(value, list):
        return [(f"{prefix}{number}", content) for number, content in enumerate(value)]
    if isinstance(value, float) and not math.isfinite(value):
        raise UserError(f"{name}: {shortened(key)} = {value}: must be a finite number")
    if isinstance(value, int) and not -MOST_INTEGER <= value < MOST_INTEGER:
        raise UserError(f"{name}: {shortened(key)} = {shortened(value)}: is too large a number")
    return []


def shortened(value: object, most: int = 60) -> str:
    """Write a value in one line of at most so many characters."""
    if isinstance(value, int) and abs(value) >= MOST_INTEGER:
        return f"a number of {value.bit_length()} bits"
    text = " ".join(str(value).split())
    return text if len(text) <= most else f"{text[: most - 3]}..."


def _kind(mode: int) -> str:
    kinds = (
        (stat.S_ISDIR, "a directory"),
        (stat.S_ISFIFO, "a pipe"),
        (stat.S_ISSOCK, "a socket"),
        (stat.S_ISCHR, "a device"),
        (stat.S_ISBLK, "a device"),
    )
    return next((kind for is_kind, kind in kinds if is_kind(mode)), "something else")


@contextlib.contextmanager
def scratch_directory(parent: Path) -> Iterator[Path]:
    """Make a directory that is removed at the end of the context, or swept after a kill.

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
def writing(path: Path) -> Iterator[None]:
    """Report in one line what prevents a file from being written.

    Parameters
    ----------
    path
        The file or directory, as the message names it.

    Raises
    ------
    UserError
        In place of an error of the operating system.
    """
    try:
        yield
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror or error})") from None


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Write a file in a scratch directory; it is moved to its path when the context ends normally.

    A symbolic link stays; its target is replaced, unless that is a stream: see
    :func:`is_stream`.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    if is_stream(path):
        raise OSError(errno.EINVAL, "is a device, a pipe or an open file")
    target = path.resolve()
    with scratch_directory(target.parent) as folder:
        unfinished = folder / target.name
        yield unfinished
        with unfinished.open("rb") as file:
            os.fsync(file.fileno())
        unfinished.replace(target)


def write_bytes(path: Path, content: bytes) -> None:
    """Write a whole file, or as much as a device, a pipe or an open file takes.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    if is_stream(path):
        with open(_stream(path), "wb") as stream:
            stream.write(content)
        return
    with whole_file(path) as unfinished:
        unfinished.write_bytes(content)


def is_stream(path: Path) -> bool:
    """Whether a path leads to a device, a pipe or an open file, which no other file may replace.

    Raises
    ------
    OSError
        If that cannot be found out.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return False
    regular = stat.S_ISREG(mode) or stat.S_ISDIR(mode)
    return not regular or _open_file(path) is not None


def _open_file(path: Path) -> Path | None:
    """Return the entry of /proc that a path leads to, ``/proc/self/fd/1`` for ``/dev/stdout``."""
    # A step at a time: such an entry leads to another name of the file, or to one that is gone.
    for _ in range(_MOST_LINKS):
        place = path.parent.resolve()
        if place.is_relative_to("/proc"):
            return place / path.name
        if not path.is_symlink():
            break
        path = path.parent / path.readlink()
    return None


def _stream(path: Path) -> int:
    """Open a stream, or take the descriptor that this process has of it, with its position."""
    entry = _open_file(path)
    own = Path(f"/proc/{os.getpid()}")
    if entry is not None and entry.is_relative_to(own) and entry.parent.name == "fd":
        return os.dup(int(entry.name))
    return os.open(path, os.O_WRONLY)  # nothing is made if it is gone


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
