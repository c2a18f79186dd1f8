"""The writer of one run's journal in a SQLite file."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from fsm.engine.journal import seal
from fsm.errors import Conflict, FsmError
from fsm.run.events import Event
from fsm.stores import refusals
from fsm.stores.lock import RunLock
from fsm.stores.rows import RunRow, moment, run_checksum, run_identity
from fsm.stores.sqlite.database import FAULTS, abandon, unavailable
from fsm.stores.sqlite.tables import insert_checkpoint, insert_records, places

__all__ = ["SqliteJournal"]

_ADVANCE: Final = (
    "UPDATE runs SET updated_at = ?, state = ?, seq = ?, hash = ?, checksum = ?"
    " WHERE number = ? AND seq = ? AND epoch = ? AND hash = ?"
)


class SqliteJournal:
    """The right to write one run's journal: its lock, a connection, and where the journal ends."""

    __slots__ = (
        "_connection",
        "_cursor",
        "_identity",
        "_inode",
        "_lock",
        "_name",
        "_number",
        "_path",
        "_writable",
        "epoch",
        "hash",
        "run_id",
        "seq",
    )

    def __init__(
        self, path: Path, connection: sqlite3.Connection, lock: RunLock, row: RunRow
    ) -> None:
        self.run_id = row.summary.run_id
        self.epoch = row.epoch
        self._path = path
        self._name = str(path)
        self._connection = connection
        self._cursor = connection.cursor()  # one for all: making them costs a tenth of an append
        self._lock = lock
        self._number = row.number
        self._identity = run_identity(row.number, row.summary)
        self.seq = row.seq
        self.hash = row.hash
        self._writable = True
        self._inode = os.stat(path).st_ino  # noqa: PTH116 - of the very file that the connection has open

    def append(self, events: Sequence[Event], *, at: float, state: str) -> None:
        """Write the events, all or none; durable when it returns. See `Journal`.

        Whatever goes wrong, nothing is tried twice and this journal takes no more: after an error
        of the disk nobody can tell what a second try would stand on (F19).
        """
        if not self._writable:
            raise refusals.closed(self.run_id)
        self._writable = False  # until this append is known to have gone well
        self._refuse_if_gone()
        at = moment(at)
        records = seal(events, after=self.seq, previous=self.hash, epoch=self.epoch, at=at)
        seq, hash_ = (records[-1].seq, records[-1].hash) if records else (self.seq, self.hash)
        checksum = run_checksum(self._identity, at, state, self.epoch, seq, hash_)
        committing = False
        try:
            self._cursor.execute("BEGIN IMMEDIATE")
            if not self._advance(at, state, seq, hash_, checksum):
                raise self._conflict()
            insert_records(self._cursor, self._number, records)
            committing = True
            self._cursor.execute("COMMIT")
        except BaseException as error:
            abandon(self._connection)
            if isinstance(error, FAULTS):
                raise self._unavailable(error, committing) from error
            raise
        self.seq, self.hash = seq, hash_
        self._lock.note(seq, hash_)
        self._writable = True

    def keep(self, checkpoint: bytes) -> None:
        """Keep this snapshot of the state after the last record. See `Journal`."""
        with self._aside():
            insert_checkpoint(self._cursor, self._number, self.seq, checkpoint)

    def forget_checkpoints(self) -> None:
        """Remove the run's checkpoints. See `Journal`."""
        mine = places(self._number)
        query = "SELECT 1 FROM checkpoints WHERE place BETWEEN ? AND ?"
        if self._writable and self._cursor.execute(query, mine).fetchone() is None:
            return
        with self._aside():
            self._cursor.execute("DELETE FROM checkpoints WHERE place BETWEEN ? AND ?", mine)

    @contextmanager
    def _aside(self) -> Iterator[None]:
        """A transaction beside the journal's own: if it fails, the journal goes on."""
        if not self._writable:
            raise refusals.closed(self.run_id)
        try:
            self._cursor.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._cursor.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    self._cursor.execute("ROLLBACK")
                raise
        except FAULTS as error:
            raise unavailable(error, self._path, self.run_id) from error

    def close(self) -> None:
        """Let the run go. May be called again."""
        self._writable = False
        try:
            self._connection.close()
        except FAULTS as error:
            raise unavailable(error, self._path, self.run_id) from error
        finally:
            self._lock.release()

    def _refuse_if_gone(self) -> None:
        """Raises `StateUnavailable` if the open file is no longer the one of that name."""
        try:
            found = os.stat(self._name).st_ino  # noqa: PTH116 - asked at every append
        except OSError:
            found = 0
        if found != self._inode:
            raise refusals.file_gone(self._path, self.run_id)

    def _advance(self, at: float, state: str, seq: int, hash_: str, checksum: str) -> bool:
        """Move the run's head, if it is where this writer left it, in this epoch (I20)."""
        place = (self._number, self.seq, self.epoch, self.hash)
        cells = (at, state, seq, hash_, checksum)
        return self._cursor.execute(_ADVANCE, (*cells, *place)).rowcount == 1

    def _conflict(self) -> Conflict:
        row = self._cursor.execute(
            "SELECT epoch FROM runs WHERE number = ?", (self._number,)
        ).fetchone()
        return refusals.conflict(self.run_id, self.epoch, row and row[0])

    def _unavailable(self, error: Exception, committing: bool) -> FsmError:
        told = unavailable(error, self._path, self.run_id)
        if not committing:
            return told
        unknown = "whether the last events were recorded is not known"
        return type(told)(f"{told.message}; {unknown}", told.hint)
