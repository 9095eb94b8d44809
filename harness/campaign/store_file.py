"""The file of a store: its tables, and how to read what is intact of a damaged one.

Everything but numbers and names is zlib-compressed JSON, whose checksum tells damaged from intact.
"""

import json
import os
import shutil
import sqlite3
import zlib
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote

from harness.campaign.record import CampaignRecord, CellRecord

FILE_NAME = "store.sqlite"

_FORMAT = 1

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
CREATE TABLE runs (
    identity TEXT PRIMARY KEY,
    cell INTEGER NOT NULL REFERENCES cells (position),
    replication INTEGER NOT NULL,
    constants TEXT NOT NULL REFERENCES constants (digest),
    status TEXT NOT NULL CHECK (status IN ('complete', 'failed')),
    failure TEXT,
    reason TEXT,
    result BLOB,
    UNIQUE (cell, replication)
);
"""


UNREADABLE = (sqlite3.Error, ValueError, LookupError, TypeError, zlib.error)
"""What reading a damaged store may raise."""


def connect_to_read(path: Path) -> sqlite3.Connection:
    """Open the file so that nothing is written and whatever is intact can be read.

    Without a WAL nobody writes, and reading as immutable leaves no files behind. SQLite reads
    nothing of a file that lost its end, so a copy gets zeros there.
    """
    if path.with_name(f"{FILE_NAME}-wal").exists():
        return _connect(path, "mode=ro")
    with path.open("rb") as file:
        header = file.read(100)
    page_bytes = int.from_bytes(header[16:18], "big")
    size = int.from_bytes(header[28:32], "big") * (65536 if page_bytes == 1 else page_bytes)
    missing = size - path.stat().st_size
    if not 0 < missing <= path.stat().st_size * _MOST_TIMES_LOST:
        return _connect(path, "mode=ro&immutable=1")
    with TemporaryDirectory(prefix="vtax-") as folder:
        copy = Path(folder) / FILE_NAME
        shutil.copyfile(path, copy)
        os.truncate(copy, size)
        connection = _connect(copy, "mode=ro&immutable=1")
        connection.execute("PRAGMA user_version")  # holds the file open when its name is gone
        return connection


_MOST_TIMES_LOST = 1000
"""More than this many times of what is left was not lost: then the header itself is damaged."""


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    uri = f"file:{quote(str(path.absolute()))}?{mode}"
    return sqlite3.connect(uri, uri=True, isolation_level=None)


def possible_rows(connection: sqlite3.Connection) -> range:
    """Return all row numbers that a file of this size can have, when its order is lost."""
    smallest_row_bytes = 64
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    (page_bytes,) = connection.execute("PRAGMA page_size").fetchone()
    return range(pages * page_bytes // smallest_row_bytes)


def create(connection: sqlite3.Connection, campaign: CampaignRecord) -> None:
    """Make the tables of a new store and fill in its campaign, in one transaction."""
    connection.execute("BEGIN IMMEDIATE")
    for statement in _SCHEMA.split(";"):
        connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {_FORMAT}")
    _fill(connection, campaign)
    connection.execute("COMMIT")


def replace_campaign(connection: sqlite3.Connection, campaign: CampaignRecord) -> None:
    """Put another record and its cells in the place of what is there, in one transaction."""
    connection.execute("PRAGMA defer_foreign_keys = ON")
    try:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("DELETE FROM campaign")
        connection.execute("DELETE FROM cells")
        _fill(connection, campaign)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _fill(connection: sqlite3.Connection, campaign: CampaignRecord) -> None:
    cells = [
        (
            cell.position,
            compressed(
                {
                    "machine": cell.machine,
                    "os": cell.os,
                    "virtualization": cell.virtualization,
                    "workload": cell.workload,
                    "load": cell.load,
                    "infeasible": cell.infeasible,
                    "parameters": cell.parameters,
                }
            ),
        )
        for cell in campaign.cells
    ]
    connection.execute("INSERT INTO campaign VALUES (?)", (compressed(campaign.to_json()),))
    connection.executemany("INSERT INTO cells VALUES (?, ?)", cells)


def read_campaign(connection: sqlite3.Connection) -> tuple[CampaignRecord, list[str]]:
    """Read the campaign and its cells; return what is damaged of these, too."""
    (number,) = connection.execute("PRAGMA user_version").fetchone()
    if number != _FORMAT:
        raise ValueError(f"its format is {number}, this vtax reads {_FORMAT}")
    (record,) = connection.execute("SELECT record FROM campaign").fetchone()
    damaged: list[str] = []
    cells = []
    for position in _positions(connection, damaged):
        try:
            (packed,) = connection.execute(
                "SELECT cell FROM cells WHERE position = ?", (position,)
            ).fetchone()
            cell = decompressed(packed)
            cell["load"] = tuple((key, value) for key, value in cell["load"])
            cells.append(CellRecord(position=position, **cell))
        except UNREADABLE as error:
            damaged.append(f"cell {position}: {error}")
    return CampaignRecord.from_json(decompressed(record), cells), damaged


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


def decompressed(packed: bytes) -> dict[str, Any]:
    """Return the value of compressed JSON."""
    value: dict[str, Any] = json.loads(zlib.decompress(packed))
    return value
