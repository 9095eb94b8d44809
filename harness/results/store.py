"""Store of the runs of a campaign: one SQLite file, one transaction for each run.

The file is in WAL mode with ``synchronous = NORMAL``: committed runs survive the end of the process
at any moment; the file itself also survives a power cut. Results are zlib-compressed JSON, whose
checksum distinguishes damaged rows from intact ones.
"""

import os
import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import Any

from harness.errors import UserError
from harness.metrics.measures import Measures
from harness.printable import one_line
from harness.results.packed_result import (
    Name,
    PackedResult,
    unpack,
    unpack_measures,
    unpack_names,
)
from harness.results.record import CampaignRecord, CellRecord
from harness.results.run_result import RunResult
from harness.results.sqlite import (
    FILE_NAME,
    UNREADABLE,
    check_same,
    compressed,
    connect_to_read,
    create,
    decompressed,
    lock,
    possible_rows,
    read_campaign,
    replace_campaign,
    unusable,
)
from harness.results.store_schema import DRAWN


class Failure(StrEnum):
    """Why a run has no result."""

    ERROR = "error"
    """The model or a user class raised an exception."""
    OUT_OF_MEMORY = "out-of-memory"
    WORKER_DIED = "worker-died"
    """The process that carried it out ended, twice."""
    TARGET_FAILED = "target-failed"
    """A real target ended in the middle, or stopped answering."""
    TARGET_UNAVAILABLE = "target-unavailable"
    """A real target does not start any more."""
    REFUSED = "refused"
    """A real target cannot do the work: a program is missing or fails, a disk is full."""


Outcome = PackedResult | tuple[Failure, str]
"""A result, or why there is none."""


@dataclass(frozen=True)
class StoredRun:
    """A row of the store."""

    identity: str
    cell: CellRecord
    replication: int
    constants: str
    """Digest of the constants drawn for it; :meth:`Store.drawn` has their values."""
    failure: Failure | None
    reason: str
    """What went wrong, in one line; of a complete run, why its users ran live; or empty."""
    names: str
    """Digest of the names of its samples; empty when failed."""
    measures: Measures | None
    """None when failed."""


class Store(AbstractContextManager["Store"]):
    """The runs of one campaign, in a directory.

    Open one with :meth:`start` to add runs or with :meth:`open` to read; close it when done, or
    use it as a context manager.

    Attributes
    ----------
    campaign
        Record of the campaign.
    damaged
        One line for each row that could not be read so far.
    """

    def __init__(
        self,
        directory: Path,
        connection: sqlite3.Connection,
        campaign: CampaignRecord,
        resources: ExitStack,
        damaged: Sequence[str] = (),
    ) -> None:
        self.directory = directory
        self.campaign = campaign
        self.damaged = list(damaged)
        self._damaged_cells = tuple(damaged)
        self._connection = connection
        self._resources = resources

    @classmethod
    def start(cls, directory: Path, campaign: CampaignRecord) -> "Store":
        """Open the store of a campaign to add runs; make it if there is none.

        Raises
        ------
        UserError
            If the directory cannot be written, holds another campaign or a damaged store, or
            another process adds runs to it.
        """
        with ExitStack() as stack:
            stack.callback(os.close, lock(directory))
            try:
                connection = sqlite3.connect(directory / FILE_NAME, isolation_level=None)
                stack.callback(connection.close)
                tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
                if tables:
                    held = check_same(directory, connection, campaign)
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = NORMAL")
                if not tables:
                    create(connection, campaign)
                else:
                    # What was found out about a real machine and its targets stays.
                    campaign = replace(
                        campaign, real=held.real, cells=held.cells, starts=held.starts
                    )
                    if held.replications["minimum"] < campaign.replications["minimum"]:
                        record = compressed(campaign.to_json())
                        connection.execute("UPDATE campaign SET record = ?", (record,))
            except UNREADABLE as error:
                raise unusable(directory, error) from None
            return cls(directory, connection, campaign, stack.pop_all())

    @classmethod
    def open(cls, directory: Path) -> "Store":
        """Open a store to read; nothing is written.

        Raises
        ------
        UserError
            If there is no store, or one so damaged that it does not even name its campaign.
        """
        path = directory / FILE_NAME
        if path.exists() and not path.is_file():
            raise UserError(f"{path}: is not a file")
        if not path.is_file():
            raise UserError(
                f"{directory}: no campaign there ({FILE_NAME} is missing); "
                "'vtax run CAMPAIGN --out DIR' makes one"
            )
        if not os.access(path, os.R_OK):
            raise UserError(f"{path}: not readable (permission denied)")
        with ExitStack() as stack:
            try:
                connection = connect_to_read(path)
                stack.callback(connection.close)
                campaign, damaged = read_campaign(connection)
            except UNREADABLE as error:
                raise unusable(directory, error) from None
            return cls(directory, connection, campaign, stack.pop_all(), damaged)

    def close(self) -> None:
        """Close the file and release the lock."""
        self._resources.close()

    def __exit__(self, *_: object) -> None:
        self.close()

    def amend(self, campaign: CampaignRecord) -> None:
        """Replace the record of the campaign.

        Raises
        ------
        ValueError
            If it is another campaign.
        UserError
            If the store cannot be written.
        """
        if campaign.identity != self.campaign.identity:
            raise ValueError("the store holds another campaign")
        try:
            replace_campaign(self._connection, campaign)
        except sqlite3.OperationalError as error:
            raise unusable(self.directory, error) from None
        self.campaign = campaign

    def complete(self) -> frozenset[str]:
        """Return the identities of the runs that have a result."""
        rows = self._select("SELECT identity FROM runs WHERE status = 'complete'")
        return frozenset(identity for (identity,) in rows)

    def counts(self) -> dict[str, int]:
        """Return how many runs are ``complete`` and ``failed``."""
        rows = self._select("SELECT status, count(*) FROM runs GROUP BY status")
        return {"complete": 0, "failed": 0, **dict(rows)}

    def measured(self) -> frozenset[int]:
        """Return the positions of the cells of which at least one run has a result."""
        try:
            rows = self._connection.execute("SELECT cell FROM runs WHERE status = 'complete'")
            return frozenset(cell for (cell,) in rows)
        except sqlite3.DatabaseError:
            return frozenset(run.cell.position for run in self.runs() if run.failure is None)

    def add(
        self,
        identity: str,
        cell_position: int,
        replication: int,
        constants: str,
        drawn: Mapping[str, Any],
        outcome: Outcome,
    ) -> None:
        """Keep the outcome of a run in one transaction; a later result replaces a failure.

        ``drawn`` are the values behind the digest ``constants``: those of the uncertain constants.
        """
        row: dict[str, Any] = {
            "identity": identity,
            "cell": cell_position,
            "replication": replication,
            "constants": constants,
        }
        database = self._connection
        try:
            with database:
                database.execute("BEGIN IMMEDIATE")
                known = database.execute("SELECT 1 FROM constants WHERE digest = ?", (constants,))
                if known.fetchone() is None:
                    values = (constants, compressed(dict(drawn)))
                    database.execute("INSERT INTO constants VALUES (?, ?)", values)
                failed = "DELETE FROM runs WHERE identity = ? AND status = 'failed'"
                database.execute(failed, (identity,))
                if isinstance(outcome, PackedResult):
                    digest = sha256(outcome.names).hexdigest()
                    entry = (digest, outcome.names)
                    database.execute("INSERT OR IGNORE INTO names VALUES (?, ?)", entry)
                    row |= {"status": "complete", **outcome._asdict(), "names": digest}
                else:
                    failure, reason = outcome
                    row |= {"status": "failed", "failure": failure, "reason": one_line(reason)}
                columns, places = ", ".join(row), ", ".join(f":{name}" for name in row)
                database.execute(f"INSERT INTO runs ({columns}) VALUES ({places})", row)
        except sqlite3.OperationalError as error:
            raise unusable(self.directory, error) from None

    def runs(
        self, positions: Collection[int] | None = None, *, one_of_each: bool = False
    ) -> Iterator[StoredRun]:
        """Yield all intact rows in the order of the matrix, then of the replication.

        What cannot be read is skipped; :attr:`damaged` says what that was.

        Parameters
        ----------
        positions
            Only rows of cells at these places of the matrix; None: all.
        one_of_each
            Only the first row of each cell that has a result.
        """
        seen: set[int] = set()
        for run, _ in self.results(positions, unpacked=(), without=seen):
            if one_of_each and run.failure is None:
                seen.add(run.cell.position)
            if not one_of_each or run.failure is None:
                yield run

    def results(
        self,
        positions: Collection[int] | None = None,
        *,
        unpacked: Collection[int] | None = None,
        digests: bool = True,
        without: Collection[int] = (),
    ) -> Iterator[tuple[StoredRun, RunResult | None]]:
        """Yield the rows as :meth:`runs`, with their results; None for a run that failed.

        Parameters
        ----------
        positions
            Only rows of cells at these places of the matrix; None: all.
        unpacked
            Results only of cells at these places, which saves time; None: of all.
        digests
            With digests of response times, which take time to read.
        without
            Rows of cells at these places are left out. The collection may grow meanwhile.
        """
        cells = {cell.position: cell for cell in self.campaign.cells}
        names: dict[str, list[Name]] = {}
        self.damaged = list(self._damaged_cells)
        for rowid, position, label in self._row_numbers():
            if position in without or (positions is not None and position not in positions):
                continue
            whole = unpacked is None or position in unpacked
            columns = _RUN
            if whole:
                columns += f", {_RESULT if digests else _WITHOUT_DIGESTS}"
            try:
                row = self._connection.execute(
                    f"SELECT {columns} FROM runs WHERE rowid = ?", (rowid,)
                ).fetchone()
                if row is None:
                    continue
                run, result = _stored_run(row[:8], cells), None
                if whole and run.failure is None:
                    result = self._unpacked(run.names, names, *row[8:])
                yield run, result
            except KeyError:
                self.damaged.append(f"{label}: its cell is damaged")
            except UNREADABLE as error:
                self.damaged.append(f"{label}: {error}")

    def _unpacked(self, digest: str, names: dict[str, list[Name]], *parts: bytes) -> RunResult:
        if digest not in names:
            query = "SELECT names FROM names WHERE digest = ?"
            found = self._connection.execute(query, (digest,)).fetchone()
            if found is None:
                raise ValueError("the names of its samples are lost")
            names[digest] = unpack_names(found[0])
        return unpack(names[digest], *parts)

    def measures(
        self, positions: Collection[int] | None = None, replications: int | None = None
    ) -> dict[int, dict[int, Measures]]:
        """Measures of complete runs: position of the cell -> replication -> measures.

        Parameters
        ----------
        positions
            Only cells at these places of the matrix; None: all.
        replications
            Only this many first replications; None: all.
        """
        measures: dict[int, dict[int, Measures]] = {}
        for run in self.runs(positions):
            if run.measures is not None and (
                replications is None or run.replication < replications
            ):
                measures.setdefault(run.cell.position, {})[run.replication] = run.measures
        return measures

    def result(self, identity: str) -> RunResult | None:
        """Return what a run has measured; None if it failed or was never kept."""
        query = f"SELECT names, {_RESULT} FROM runs WHERE identity = ? AND failure IS NULL"
        try:
            for digest, *row in self._select(query, identity):
                return self._unpacked(digest, {}, *row)
        except UNREADABLE as error:
            raise unusable(self.directory, error) from None
        return None

    def measured_by(self, identity: str) -> Measures | None:
        """Return the measures of a run; None if it failed or was never kept."""
        query = "SELECT measures FROM runs WHERE identity = ? AND failure IS NULL"
        try:
            for (packed,) in self._select(query, identity):
                return unpack_measures(packed)
        except UNREADABLE as error:
            raise unusable(self.directory, error) from None
        return None

    def _select(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        try:
            return self._connection.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise unusable(self.directory, error) from None

    def drawn(self) -> dict[str, dict[str, Any]]:
        """Return, for each digest of constants, the values that were drawn, as JSON holds them."""
        drawn: dict[str, dict[str, Any]] = {}
        try:
            query = "SELECT digest, drawn FROM constants ORDER BY digest"
            for digest, values in self._connection.execute(query):
                drawn[str(digest)] = decompressed(DRAWN, values)
        except UNREADABLE as error:
            self.damaged.append(f"drawn constants: {error}")
        return drawn

    def _row_numbers(self) -> list[tuple[int, int, str]]:
        """Return (rowid, cell, what to call it) in order; all there may be if that is lost."""
        try:
            rows = self._connection.execute(
                "SELECT cell, replication, rowid FROM runs ORDER BY cell, replication"
            ).fetchall()
        except sqlite3.DatabaseError as error:
            self.damaged.append(f"index of the runs: {error}")
            rows = sorted(self._rows_one_by_one())
        return [(rowid, cell, f"cell {cell} replication {number}") for cell, number, rowid in rows]

    def _rows_one_by_one(self) -> Iterator[tuple[int, int, int]]:
        for rowid in possible_rows(self._connection):
            try:
                row = self._connection.execute(
                    "SELECT cell, replication, rowid FROM runs NOT INDEXED WHERE rowid = ?",
                    (rowid,),
                ).fetchone()
            except sqlite3.DatabaseError as error:
                self.damaged.append(f"row {rowid}: {error}")
                continue
            if row is not None:
                yield row


_RUN = "identity, cell, replication, constants, failure, reason, names, measures"
_RESULT = "sample_values, result, digests"
_WITHOUT_DIGESTS = "sample_values, result, NULL"
"""Columns of a run that :func:`_stored_run` and :meth:`Store._unpacked` take."""


def _stored_run(row: tuple[Any, ...], cells: Mapping[int, CellRecord]) -> StoredRun:
    identity, cell, replication, constants, failure, reason, names, measures = row
    if not (
        isinstance(identity, str)
        and isinstance(replication, int)
        and isinstance(constants, str)
        and isinstance(reason, str | None)
        and isinstance(names, str | None)
    ):
        raise TypeError("a column holds another type")
    return StoredRun(
        identity=identity,
        cell=cells[cell],
        replication=replication,
        constants=constants,
        failure=None if failure is None else Failure(failure),
        reason=reason or "",
        names=names or "",
        measures=None if failure is not None else unpack_measures(measures),
    )
