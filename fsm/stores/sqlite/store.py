"""Runs in one SQLite file, and a folder of lock files beside it.

Every method opens what it needs and lets it go again; a journal keeps one connection and its run's
lock. So a store costs nothing until it is used, reading takes no right to write, and threads share
nothing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from fsm.engine.checkpoint import Checkpoint, newest, whole
from fsm.engine.ports import Approval, RunSummary, StoredRun
from fsm.errors import Damaged, Refused
from fsm.run.events import Event
from fsm.stores import refusals
from fsm.stores.files import make_folder
from fsm.stores.lock import Head, RunLock, heads, holder, read_head
from fsm.stores.refusals import is_run_id
from fsm.stores.rows import ApprovalRow, Integrity, RunRow, moment
from fsm.stores.sqlite.database import (
    FAULTS,
    exists,
    reading,
    transaction,
    unavailable,
    writing,
)
from fsm.stores.sqlite.journal import SqliteJournal
from fsm.stores.sqlite.tables import (
    delete_run,
    insert_run,
    next_number,
    places,
    read_checkpoints,
    read_records,
    refuse_others,
)

__all__ = ["SqliteStore"]


class SqliteStore:
    """The store in the file `path`; locks are in the folder `path`-locks. See `Store`."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path).absolute()
        self._locks = self.path.with_name(f"{self.path.name}-locks")
        self._integrity = Integrity(
            str(self.path),
            refusals.NEXT_MOVE,
            lambda row, head: self._lost(row.summary.run_id, head.seq),
        )

    def create(
        self,
        summary: RunSummary,
        document: bytes,
        events: Sequence[Event],
        *,
        approval: Approval | None = None,
        alongside: bool = False,
    ) -> SqliteJournal:
        """A new run with its first events, held by the caller. See `Store`."""
        records = refusals.first_records(summary, document, events, approval)
        with self._told(), ExitStack() as undo:
            connection = writing(self.path)
            undo.callback(connection.close)
            make_folder(self._locks)
            lock = RunLock.take(self._locks, summary.run_id)
            undo.callback(lock.discard)
            with transaction(connection):
                refuse_others(connection, self.path, summary, alongside)
                if approval is not None:
                    self._use_up(connection, approval, summary.run_id)
                row = insert_run(connection, summary, document, records)
            lock.note(row.seq, row.hash)
            undo.pop_all()
            return SqliteJournal(self.path, connection, lock, row)

    def acquire(self, run_id: str) -> SqliteJournal:
        """Take the run's lock: a writer after its last record, in a new epoch. See `Store`."""
        with self._told(run_id), ExitStack() as undo:
            there, head = exists(self.path), self._head(run_id)
            if not there:
                raise self._missing(None, run_id, head)
            connection = writing(self.path)
            undo.callback(connection.close)
            self._row(connection, run_id, head)  # nothing is locked for a run that is not there
            make_folder(self._locks)
            lock = RunLock.take(self._locks, run_id)
            undo.callback(lock.release)
            with transaction(connection):
                head = lock.head()
                row = self._row(connection, run_id, head)
                self._integrity.compare(row, head)
                row = replace(row, epoch=row.epoch + 1)
                connection.execute(
                    "UPDATE runs SET epoch = ?, checksum = ? WHERE run_id = ?",
                    (row.epoch, row.checksum(), run_id),
                )
            lock.note(row.seq, row.hash)
            undo.pop_all()
            return SqliteJournal(self.path, connection, lock, row)

    def load(self, run_id: str, *, from_checkpoint: bool = False) -> StoredRun:
        """The run as it stands, and proved to be as it was written. See `Store`."""
        with self._told(run_id):
            exists(self.path)  # an unsafe file is told before an unsafe lock
            head = self._head(run_id)  # before the rows: a writer may go on while we read
            with self._reading() as connection:
                if connection is None:
                    raise self._missing(None, run_id, head)
                connection.execute("BEGIN")
                row = self._row(connection, run_id, head)
                plan = connection.execute(
                    "SELECT document FROM plans WHERE digest = ?", (row.summary.digest,)
                ).fetchone()
                checkpoint, warnings = (
                    self._newest(connection, row) if from_checkpoint else (None, [])
                )
                after = checkpoint.seq if checkpoint else 0
                records = read_records(connection, row, self.path, after)
            self._integrity.verify(row, records, head, checkpoint)
            document = plan[0] if plan else None
            if type(document) is not bytes or sha256(document).hexdigest() != row.summary.digest:
                raise self._integrity.damaged(f"the plan of run {run_id} is not as it was written")
            return StoredRun(row.summary, document, records, checkpoint, warnings)

    def checkpoints(self, run_id: str) -> Sequence[Checkpoint]:
        """The run's checkpoints that are as they were written, oldest first. See `Store`."""
        with self._told(run_id), self._reading() as connection:
            if connection is None:
                raise self._missing(None, run_id, self._head(run_id))
            row = self._row(connection, run_id, None)
            return whole(reversed([*read_checkpoints(connection, row.number)]))

    def adopt(self, stored: StoredRun, *, alongside: bool = False) -> None:
        """Take a run over from another store. See `Store`."""
        summary, records = stored.summary, stored.records
        refusals.refuse_run_id(summary.run_id)
        refusals.refuse_altered(stored)
        with self._told(), closing(writing(self.path)) as connection:
            make_folder(self._locks)
            lock = RunLock.take(self._locks, summary.run_id)
            try:
                with transaction(connection):
                    refuse_others(connection, self.path, summary, alongside)
                    row = insert_run(connection, summary, stored.document, records)
                lock.note(row.seq, row.hash)
            finally:
                lock.discard()

    def remove(self, run_id: str, *, damaged: bool = False) -> None:
        """Forget a run. See `Store`."""
        with self._told(run_id), closing(writing(self.path)) as connection:
            self._row(connection, run_id, self._head(run_id))
            make_folder(self._locks)
            lock = RunLock.take(self._locks, run_id)
            try:
                with transaction(connection):
                    row = self._row(connection, run_id, lock.head())
                    if not damaged:
                        refusals.refuse_unfinished(row.summary)
                    delete_run(connection, row)
                    # Before the commit: a lock file with a head and no run would be evidence of a loss.
                    lock.path.unlink(missing_ok=True)
            finally:
                lock.release()

    def holder(self, run_id: str) -> int | None:
        """The pid of the run's holder, 0 if it cannot be told, `None` if the run is free."""
        if not is_run_id(run_id):
            return None
        with self._told(run_id):
            return holder(self._locks, run_id)

    def runs(self) -> Sequence[RunSummary]:
        """Every run, newest first."""
        with self._told():
            exists(self.path)  # an unsafe file is told before an unsafe lock
            acknowledged = heads(self._locks)  # before the rows: a run may begin while we read
            with self._reading() as connection:
                query = "SELECT * FROM runs ORDER BY number DESC"
                cells = connection.execute(query) if connection else ()
                rows = [RunRow.read(each, self.path) for each in cells]
            lost = acknowledged - {row.summary.run_id for row in rows}
            if lost:  # unless removed meanwhile: its lock goes first
                lost &= heads(self._locks)
            if lost:
                raise self._lost(min(lost), 0)
            return tuple(row.summary for row in rows)

    def approve(self, approval: Approval) -> None:
        """Record an approval; durable when it returns."""
        with self._told(), closing(writing(self.path)) as connection, transaction(connection):
            row = ApprovalRow(next_number(connection, "approvals"), approval)
            connection.execute("INSERT INTO approvals VALUES (?, ?, ?, ?, ?, ?, ?)", row.cells())

    def approvals(self, digest: str) -> Sequence[Approval]:
        """The approvals of this digest that no run has used, oldest first."""
        with self._told(), self._reading() as connection:
            query = "SELECT * FROM approvals WHERE digest = ? ORDER BY number"
            cells = connection.execute(query, (digest,)) if connection else ()
            rows = [ApprovalRow.read(each, self.path) for each in cells]
            return tuple(row.approval for row in rows if not row.used_by)

    def close(self) -> None:
        """Nothing stays open between two calls."""

    @contextmanager
    def _told(self, run_id: str = "") -> Iterator[None]:
        """No error of SQLite or the system leaves the store untranslated."""
        try:
            yield
        except FAULTS as error:
            raise unavailable(error, self.path, run_id) from error

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection | None]:
        connection = reading(self.path)
        try:
            yield connection
        finally:
            if connection is not None:
                connection.close()

    def _head(self, run_id: str) -> Head | None:
        return read_head(self._locks, run_id) if is_run_id(run_id) else None

    def _row(self, connection: sqlite3.Connection, run_id: str, head: Head | None) -> RunRow:
        """The run's row, for a `head` that was read before it."""
        cells = None
        if is_run_id(run_id):
            cells = connection.execute("SELECT * FROM runs WHERE run_id = ?", (run_id,)).fetchone()
        if cells is None:
            raise self._missing(connection, run_id, head)
        return RunRow.read(cells, self.path)

    def _missing(
        self, connection: sqlite3.Connection | None, run_id: str, head: Head | None
    ) -> Refused | Damaged:
        """There is no such run; or there was, as its lock file tells."""
        if head is not None:
            return self._lost(run_id, head.seq)
        names = "SELECT run_id FROM runs ORDER BY number DESC"
        known = [row[0] for row in connection.execute(names)] if connection else []
        return refusals.no_such_run(run_id, known, str(self.path))

    def _newest(
        self, connection: sqlite3.Connection, row: RunRow
    ) -> tuple[Checkpoint | None, list[str]]:
        first, _ = places(row.number)

        def hash_of(seq: int) -> str | None:
            query = "SELECT hash FROM records WHERE place = ?"
            found = connection.execute(query, (first + seq - 1,)).fetchone()
            return found and str(found[0])

        return newest(row.summary.run_id, read_checkpoints(connection, row.number), hash_of)

    def _use_up(self, connection: sqlite3.Connection, approval: Approval, run_id: str) -> None:
        rows = [
            ApprovalRow.read(cells, self.path)
            for cells in connection.execute(
                'SELECT * FROM approvals WHERE digest = ? AND "by" = ? AND at = ? AND how = ?'
                " ORDER BY number",
                (approval.digest, approval.by, moment(approval.at), approval.how),
            )
        ]
        unused = next((row for row in rows if not row.used_by), None)
        if unused is None:
            raise refusals.approval_gone(rows[-1].used_by if rows else "")
        *_, used_by, checksum = replace(unused, used_by=run_id).cells()
        connection.execute(
            "UPDATE approvals SET used_by = ?, checksum = ? WHERE number = ?",
            (used_by, checksum, unused.number),
        )

    def _lost(self, run_id: str, acknowledged: int) -> Damaged:
        lock = self._locks / f"{run_id}.lock"
        what = f"up to number {acknowledged} " if acknowledged else ""
        return Damaged(
            f"{self.path}: records of run {run_id} are lost: they were acknowledged {what}({lock})",
            f"restore {self.path} from a backup; or, to go on with what is left, remove {lock}",
        )
