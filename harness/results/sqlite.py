"""The file of a store: its tables, and how to read what is intact of a damaged one.

Everything but numbers and identities is zlib-compressed JSON, whose checksum distinguishes damaged
from intact. A run's result is in parts, so that only what is needed is read: its measures, the
values of its samples, whose names all runs of a kind share, its digests of response times, and the
rest.
"""

import fcntl
import json
import os
import shutil
import sqlite3
import zlib
from pathlib import Path
from tempfile import gettempdir
from typing import Any
from urllib.parse import quote

from pydantic import TypeAdapter

from harness.errors import UserError
from harness.files import scratch_directory
from harness.results.record import CampaignRecord, CellRecord
from harness.results.store_schema import CAMPAIGN, CELL, read

FILE_NAME = "store.sqlite"

_FORMAT = 2

_SCHEMA = """
CREATE TABLE campaign (record BLOB NOT NULL);
CREATE TABLE cells (
    position INTEGER PRIMARY KEY,
    cell BLOB NOT NULL
);
CREATE TABLE constants (
    digest TEXT PRIMARY KEY,
    drawn BLOB NOT NULL
);
CREATE TABLE names (
    digest TEXT PRIMARY KEY,
    names BLOB NOT NULL
);
CREATE TABLE runs (
    identity TEXT PRIMARY KEY,
    cell INTEGER NOT NULL REFERENCES cells (position),
    replication INTEGER NOT NULL,
    constants TEXT NOT NULL REFERENCES constants (digest),
    status TEXT NOT NULL CHECK (status IN ('complete', 'failed')),
    failure TEXT,
    reason TEXT,
    names TEXT REFERENCES names (digest),
    measures BLOB,
    sample_values BLOB,
    digests BLOB,
    result BLOB,
    UNIQUE (cell, replication)
);
"""


class FormatError(ValueError):
    """Another version of vtax has written the store."""


UNREADABLE = (sqlite3.Error, ValueError, LookupError, TypeError, zlib.error)
"""What reading a damaged store may raise."""


def connect_to_read(path: Path) -> sqlite3.Connection:
    """Open the file so that nothing is written and every intact part can be read.

    Without a WAL no process writes, and reading as immutable leaves no files behind. SQLite reads
    nothing of a file that lost its end, so a copy gets zeros there.
    """
    log = path.with_name(f"{FILE_NAME}-wal")
    if log.exists():
        if os.access(path.parent, os.W_OK):
            return _connect(path, "mode=ro")
        # SQLite reads a log only where it can write beside it.
        with scratch_directory(Path(gettempdir())) as folder:
            for source in (path, log):
                shutil.copyfile(source, folder / source.name)
            return _held_open(_connect(folder / FILE_NAME, "mode=ro"))
    with path.open("rb") as file:
        header = file.read(100)
    page_bytes = int.from_bytes(header[16:18], "big")
    size = int.from_bytes(header[28:32], "big") * (65536 if page_bytes == 1 else page_bytes)
    missing = size - path.stat().st_size
    if not 0 < missing <= path.stat().st_size * _MOST_TIMES_LOST:
        return _connect(path, "mode=ro&immutable=1")
    with scratch_directory(Path(gettempdir())) as folder:
        copy = folder / FILE_NAME
        shutil.copyfile(path, copy)
        os.truncate(copy, size)
        return _held_open(_connect(copy, "mode=ro&immutable=1"))


_MOST_TIMES_LOST = 1000
"""More than this many times of what is left was not lost: then the header itself is damaged."""


def _held_open(connection: sqlite3.Connection) -> sqlite3.Connection:
    """Have SQLite open the file now, so that its name may go."""
    connection.execute("SELECT count(*) FROM sqlite_master")
    return connection


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    uri = f"file:{quote(str(path.absolute()))}?{mode}"
    return sqlite3.connect(uri, uri=True, isolation_level=None)


def why(error: Exception) -> str:
    """Reason why a store cannot be used, from one of :data:`UNREADABLE`."""
    if isinstance(error, FormatError):
        return str(error)
    code = getattr(error, "sqlite_errorcode", None)
    # An extended code has the code itself in its lowest byte.
    known = None if code is None else _REASONS.get(code & 0xFF)
    return f"the store is damaged ({error})" if known is None else f"{known} ({error})"


_REASONS = {
    sqlite3.SQLITE_FULL: "cannot be written, the disk is full",
    sqlite3.SQLITE_READONLY: "cannot be written, it is read-only",
    sqlite3.SQLITE_PERM: "permission denied",
    sqlite3.SQLITE_AUTH: "permission denied",
    sqlite3.SQLITE_BUSY: "another process has locked it",
    sqlite3.SQLITE_LOCKED: "another process has locked it",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened",
    sqlite3.SQLITE_IOERR: "cannot be read or written, the disk reports an error",
    sqlite3.SQLITE_NOMEM: "out of memory",
    sqlite3.SQLITE_NOTADB: "the store is damaged, or is no store of vtax",
}


def lock(directory: Path) -> int:
    """Make the directory and lock it; the lock ends with the process."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        lock = os.open(directory, os.O_RDONLY)
    except OSError as error:
        raise UserError(f"{directory}: cannot be made or opened ({error.strerror})") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise UserError(
            f"{directory}: another vtax is at work there; wait for it or choose another --out"
        ) from None
    # The effective user counts, where the system supports it.
    effective = os.access in os.supports_effective_ids
    if not os.access(directory, os.W_OK | os.X_OK, effective_ids=effective):
        os.close(lock)
        raise UserError(f"{directory}: not writable; choose another --out")
    return lock


def unusable(directory: Path, error: Exception) -> UserError:
    """Error for the user, from one of :data:`UNREADABLE`."""
    text = why(error)
    advice = "" if "damaged" not in text else "; choose another --out or move it away"
    return UserError(f"{directory / FILE_NAME}: {text}{advice}")


def check_same(
    directory: Path, connection: sqlite3.Connection, campaign: CampaignRecord
) -> CampaignRecord:
    """Make sure that the store is intact and holds this very campaign; return what it holds."""
    try:
        held, problems = read_campaign(connection)
        problems += [text for (text,) in connection.execute("PRAGMA quick_check(1)")]
    except UNREADABLE as error:
        raise unusable(directory, error) from None
    if problems != ["ok"]:
        raise UserError(
            f"{directory / FILE_NAME}: the store is damaged ({' '.join(problems[0].split())}); its "
            "intact runs can still be read (report, verdict, export), but none can be added: "
            "choose another --out"
        )
    if held.identity == campaign.identity:
        return held
    if held.name != campaign.name:
        what = f"another campaign, {held.name!r}"
    elif held.seed != campaign.seed:
        what = f"{held.name!r} with seed {held.seed}, not {campaign.seed}"
    elif held.model != campaign.model:
        what = f"{held.name!r} by another version of the model"
    elif held.constants != campaign.constants:
        what = f"{held.name!r} with another catalog"
    else:
        what = f"{held.name!r} with other settings"
        changed = _changed(held, campaign)
        what += f" ({', '.join(changed)} changed)" if changed else ""
    raise UserError(f"{directory}: holds {what}; choose another --out or move it away")


def _changed(held: CampaignRecord, campaign: CampaignRecord) -> list[str]:
    """Return the paths of the user's files that are not what they were."""
    pairs = {tuple(file.items()) for file in held.files}
    others = {tuple(file.items()) for file in campaign.files}
    return sorted({dict(pair)["path"] for pair in pairs ^ others})


def possible_rows(connection: sqlite3.Connection) -> range:
    """Return all row numbers that a file of this size can have, when its order is lost."""
    smallest_row_bytes = 64
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    (page_bytes,) = connection.execute("PRAGMA page_size").fetchone()
    return range(pages * page_bytes // smallest_row_bytes)


def create(connection: sqlite3.Connection, campaign: CampaignRecord) -> None:
    """Create the tables of a new store and fill in its campaign, in one transaction."""
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        for statement in _SCHEMA.split(";"):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {_FORMAT}")
        _fill(connection, campaign)


def replace_campaign(connection: sqlite3.Connection, campaign: CampaignRecord) -> None:
    """Replace the record of the campaign and its cells, in one transaction."""
    connection.execute("PRAGMA defer_foreign_keys = ON")
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("DELETE FROM campaign")
        connection.execute("DELETE FROM cells")
        _fill(connection, campaign)


def _fill(connection: sqlite3.Connection, campaign: CampaignRecord) -> None:
    cells = [
        (
            cell.position,
            compressed({key: value for key, value in vars(cell).items() if key != "position"}),
        )
        for cell in campaign.cells
    ]
    connection.execute("INSERT INTO campaign VALUES (?)", (compressed(campaign.to_json()),))
    connection.executemany("INSERT INTO cells VALUES (?, ?)", cells)


def read_campaign(connection: sqlite3.Connection) -> tuple[CampaignRecord, list[str]]:
    """Read the campaign and its cells; return what is damaged of these, too."""
    (number,) = connection.execute("PRAGMA user_version").fetchone()
    if not number:
        raise ValueError("it has no campaign")
    if number != _FORMAT:
        age, advice = (
            ("a newer", "install that one")
            if number > _FORMAT
            else ("an older", "run the campaign again, in another directory")
        )
        formats = f"format {number}, this vtax reads {_FORMAT}"
        raise FormatError(f"written by {age} version of vtax ({formats}); {advice}")
    (record,) = connection.execute("SELECT record FROM campaign").fetchone()
    damaged: list[str] = []
    cells = []
    for position in _positions(connection, damaged):
        try:
            (packed,) = connection.execute(
                "SELECT cell FROM cells WHERE position = ?", (position,)
            ).fetchone()
            cell = decompressed(CELL, packed)
            load = tuple((name, value) for name, value in cell.pop("load"))
            cells.append(CellRecord(position=position, load=load, **cell))
        except UNREADABLE as error:
            damaged.append(f"cell {position}: {error}")
    return CampaignRecord.from_json(decompressed(CAMPAIGN, record), cells), damaged


def _positions(connection: sqlite3.Connection, damaged: list[str]) -> list[int]:
    """Return the positions of all cells, or of those that can still be found."""
    try:
        return [p for (p,) in connection.execute("SELECT position FROM cells ORDER BY position")]
    except sqlite3.DatabaseError as error:
        damaged.append(f"list of the cells: {error}")
    found = []
    for position in possible_rows(connection):
        try:
            query = "SELECT position FROM cells WHERE position = ?"
            if connection.execute(query, (position,)).fetchone() is not None:
                found.append(position)
        except sqlite3.DatabaseError:
            damaged.append(f"cell {position}: unreadable")
    return found


def compressed(value: dict[str, Any]) -> bytes:
    """Return a value as compressed JSON."""
    return zlib.compress(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


def decompressed(kind: TypeAdapter[Any], packed: bytes) -> dict[str, Any]:
    """Return the value of compressed JSON of a kind; ``ValueError`` if it is another."""
    text = zlib.decompress(packed)
    read(kind, text)
    # As it was written: checking puts the keys into the order of the schema.
    value: dict[str, Any] = json.loads(text)
    return value
