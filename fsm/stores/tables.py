"""What the tables hold, and how a row shows that it is as it was written.

The journal's records are chained by `fsm.engine.journal`. The other rows are no part of that chain:
each carries a checksum over all its cells, as SQLite's pages have none (FACTS.md, "Durability").
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, Self

from fsm.engine.journal import Record
from fsm.engine.ports import KEPT_CHECKPOINTS, Approval, RunSummary
from fsm.errors import Damaged
from fsm.stores.refusals import NEXT_MOVE
from fsm.values import Value

__all__ = [
    "SCHEMA",
    "ApprovalRow",
    "RunRow",
    "insert_checkpoint",
    "insert_records",
    "moment",
    "places",
    "read_checkpoints",
    "read_records",
    "run_checksum",
    "run_identity",
]

SCHEMA: Final = """
CREATE TABLE plans (
  digest TEXT PRIMARY KEY,           -- SHA-256 of the document
  document BLOB NOT NULL             -- the resolved plan; runs are rewritten too often
);
CREATE TABLE runs (
  number INTEGER PRIMARY KEY,        -- the order of creation; clocks jump
  run_id TEXT NOT NULL UNIQUE,
  plan_id TEXT NOT NULL,
  plan_name TEXT NOT NULL,
  digest TEXT NOT NULL REFERENCES plans,
  created_at REAL NOT NULL,
  updated_at REAL NOT NULL,
  state TEXT NOT NULL,
  epoch INTEGER NOT NULL,            -- the newest writer
  seq INTEGER NOT NULL,              -- the last record
  hash TEXT NOT NULL,                -- and its hash, the head of the chain
  checksum TEXT NOT NULL             -- over all cells before it
);
CREATE TABLE records (
  place INTEGER PRIMARY KEY,         -- runs.number * 2^32 + seq, as SQLite appends quickest
  epoch INTEGER NOT NULL,
  at REAL NOT NULL,
  version INTEGER NOT NULL,          -- of kind and data (fsm.engine.versions)
  kind TEXT NOT NULL,
  data TEXT NOT NULL,                -- JSON
  hash TEXT NOT NULL                 -- over all cells, and the hash before
);
CREATE TABLE checkpoints (
  place INTEGER PRIMARY KEY,         -- of the record that it follows
  data BLOB NOT NULL                 -- sealed by itself (fsm.engine.checkpoint)
);
CREATE TABLE approvals (
  number INTEGER PRIMARY KEY,        -- the order of recording
  digest TEXT NOT NULL,
  "by" TEXT NOT NULL,
  at REAL NOT NULL,
  how TEXT NOT NULL,
  used_by TEXT NOT NULL,             -- the run that it served, '' before
  checksum TEXT NOT NULL             -- over all cells before it
);
"""

_RUN_CELLS = (int, str, str, str, str, float, float, str, int, int, str, str)
_RECORD_CELLS = (int, float, int, str, str, str)
_SEQ_BITS = 32
_APPROVAL_CELLS = (int, str, str, float, str, str, str)
_to_json = json.JSONEncoder(separators=(",", ":")).encode


def moment(seconds: float) -> float:
    """The time as SQLite gives it back: a float, without the sign of zero. Hashes depend on it."""
    return float(seconds) + 0.0


def run_identity(number: int, summary: RunSummary) -> str:
    """The cells of a run's row that never change, as the part of its checksum that never does."""
    return _to_json(
        [
            number,
            summary.run_id,
            summary.plan_id,
            summary.plan_name,
            summary.digest,
            moment(summary.created_at),
        ]
    )


def run_checksum(
    identity: str, updated_at: float, state: str, epoch: int, seq: int, hash_: str
) -> str:
    """The checksum of a run's row: its identity, and the cells that change with every append."""
    return sha256(f"{identity} {updated_at!r} {state} {epoch} {seq} {hash_}".encode()).hexdigest()


class RunRow(Value):
    """A row of `runs` that is as it was written."""

    number: int
    summary: RunSummary
    epoch: int
    seq: int
    hash: str

    @classmethod
    def read(cls, cells: Sequence[Any], path: Path | str) -> Self:
        """The row of these cells, in the table's order. Raises `Damaged`."""
        if _types(cells) == _RUN_CELLS:
            number, run_id, plan_id, plan_name, digest, created_at, updated_at, state, *rest = cells
            epoch, seq, hash_, checksum = rest
            summary = RunSummary(run_id, plan_id, plan_name, digest, state, created_at, updated_at)
            row = cls(number, summary, epoch, seq, hash_)
            if row.checksum() == checksum:
                return row
        raise Damaged(f"{path}: the entry of run {cells[1]} was altered", NEXT_MOVE)

    def cells(self) -> tuple[Any, ...]:
        """The cells to write, in the table's order."""
        run = self.summary
        created_at, updated_at = moment(run.created_at), moment(run.updated_at)
        names = (self.number, run.run_id, run.plan_id, run.plan_name, run.digest)
        head = (self.epoch, self.seq, self.hash)
        return (*names, created_at, updated_at, run.state, *head, self.checksum())

    def checksum(self) -> str:
        run = self.summary
        identity = run_identity(self.number, run)
        return run_checksum(
            identity, moment(run.updated_at), run.state, self.epoch, self.seq, self.hash
        )


class ApprovalRow(Value):
    """A row of `approvals`; `used_by` is empty until a run has used it."""

    number: int
    approval: Approval
    used_by: str = ""

    @classmethod
    def read(cls, cells: Sequence[Any], path: Path | str) -> Self:
        """The row of these cells, in the table's order. Raises `Damaged`."""
        if _types(cells) == _APPROVAL_CELLS:
            number, digest, by, at, how, used_by, checksum = cells
            row = cls(number, Approval(digest, by, at, how), used_by)
            if row.cells()[-1] == checksum:
                return row
        raise Damaged(f"{path}: approval {cells[0]} was altered", NEXT_MOVE)

    def cells(self) -> tuple[Any, ...]:
        """The cells to write, in the table's order."""
        approval = self.approval
        at = moment(approval.at)
        cells = (self.number, approval.digest, approval.by, at, approval.how, self.used_by)
        return (*cells, sha256(_to_json(cells).encode()).hexdigest())


def places(number: int, after: int = 0) -> tuple[int, int]:
    """The first and the last place that the records of run `number` after record `after` may have."""
    first = number << _SEQ_BITS
    return first + after + 1, first + (1 << _SEQ_BITS) - 1


def read_records(
    connection: sqlite3.Connection, row: RunRow, path: Path, after: int = 0
) -> list[Record]:
    """The run's records in order, those after number `after`, not verified but for the types of cells.

    Raises `Damaged`.
    """
    first = row.number << _SEQ_BITS
    records = []
    for place, *cells in connection.execute(
        "SELECT place, epoch, at, version, kind, data, hash FROM records"
        " WHERE place BETWEEN ? AND ? ORDER BY place",
        places(row.number, after),
    ):
        seq = place - first
        if _types(cells) != _RECORD_CELLS:
            what = f"record {seq} of run {row.summary.run_id} was altered"
            raise Damaged(f"{path}: {what}", NEXT_MOVE)
        records.append(Record(seq, *cells))
    return records


def insert_records(cursor: sqlite3.Cursor, number: int, records: Sequence[Record]) -> None:
    """Write the records of run `number`, as part of the cursor's transaction."""
    first = number << _SEQ_BITS
    cursor.executemany(
        "INSERT INTO records (place, epoch, at, version, kind, data, hash) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [(first + seq, *cells) for seq, *cells in records],
    )


def read_checkpoints(connection: sqlite3.Connection, number: int) -> list[tuple[int, bytes]]:
    """The checkpoints of run `number`, newest first: the record that each follows, and its bytes."""
    return [
        (place - (number << _SEQ_BITS), bytes(data) if isinstance(data, bytes) else b"")
        for place, data in connection.execute(
            "SELECT place, data FROM checkpoints WHERE place BETWEEN ? AND ? ORDER BY place DESC",
            places(number),
        )
    ]


def insert_checkpoint(cursor: sqlite3.Cursor, number: int, seq: int, data: bytes) -> None:
    """Keep the checkpoint of record `seq`, and of the others the newest, as part of a transaction."""
    first, last = places(number)
    cursor.execute("INSERT OR REPLACE INTO checkpoints VALUES (?, ?)", (first + seq - 1, data))
    cursor.execute(
        "DELETE FROM checkpoints WHERE place BETWEEN ? AND ? AND place NOT IN"
        " (SELECT place FROM checkpoints WHERE place BETWEEN ? AND ? ORDER BY place DESC LIMIT ?)",
        (first, last, first, last, KEPT_CHECKPOINTS),
    )


def _types(cells: Sequence[Any]) -> tuple[type, ...]:
    return tuple(map(type, cells))
