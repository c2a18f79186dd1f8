"""The tables of a SQLite store, and the statements that read and write their rows.

Rows carry checksums of their own (`fsm.stores.rows`), as SQLite's pages have none (FACTS.md, "Durability").
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from fsm.engine.journal import Record
from fsm.engine.ports import KEPT_CHECKPOINTS, RunSummary
from fsm.errors import Damaged
from fsm.stores.refusals import NEXT_MOVE, refuse_beside
from fsm.stores.rows import RunRow, types

__all__ = [
    "SCHEMA",
    "delete_run",
    "insert_checkpoint",
    "insert_records",
    "insert_run",
    "next_number",
    "places",
    "read_checkpoints",
    "read_records",
    "refuse_others",
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

_RECORD_CELLS = (int, float, int, str, str, str)
_SEQ_BITS = 32


def refuse_others(
    connection: sqlite3.Connection, path: Path, summary: RunSummary, alongside: bool
) -> None:
    """Raises `Refused` for a run that may not begin beside those that there are."""
    query = "SELECT * FROM runs WHERE run_id = ? OR plan_id = ? ORDER BY number DESC"
    cells = connection.execute(query, (summary.run_id, summary.plan_id))
    others = (RunRow.read(each, path).summary for each in cells)
    refuse_beside(summary, others, alongside=alongside)


def insert_run(
    connection: sqlite3.Connection, summary: RunSummary, document: bytes, records: Sequence[Record]
) -> RunRow:
    """Write the run with its plan and records, as part of a transaction."""
    *_, epoch = (1, *(record.epoch for record in records))
    seq, hash_ = (records[-1].seq, records[-1].hash) if records else (0, summary.digest)
    row = RunRow(next_number(connection, "runs"), summary, epoch, seq, hash_)
    connection.execute(
        "INSERT INTO plans VALUES (?, ?) ON CONFLICT (digest) DO UPDATE"
        " SET document = excluded.document WHERE document IS NOT excluded.document",
        (summary.digest, document),
    )
    connection.execute(
        "INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        row.cells(),
    )
    insert_records(connection.cursor(), row.number, records)
    return row


def delete_run(connection: sqlite3.Connection, row: RunRow) -> None:
    """Forget the run, and its plan if it was the last of it, as part of a transaction."""
    for table in ("records", "checkpoints"):
        connection.execute(
            f"DELETE FROM {table} WHERE place BETWEEN ? AND ?",  # noqa: S608 (a name from this file)
            places(row.number),
        )
    connection.execute("DELETE FROM runs WHERE number = ?", (row.number,))
    connection.execute(
        "DELETE FROM plans WHERE digest = ? AND digest NOT IN (SELECT digest FROM runs)",
        (row.summary.digest,),
    )


def next_number(connection: sqlite3.Connection, table: str) -> int:
    """The number of the next row of `runs` or `approvals`."""
    (number,) = connection.execute(f"SELECT coalesce(max(number), 0) + 1 FROM {table}").fetchone()  # noqa: S608 (a name from this file)
    return int(number)


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
        if types(cells) != _RECORD_CELLS:
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


def read_checkpoints(connection: sqlite3.Connection, number: int) -> Iterator[tuple[int, bytes]]:
    """The checkpoints of run `number`, newest first: the record that each follows, and its bytes."""
    for place, data in connection.execute(
        "SELECT place, data FROM checkpoints WHERE place BETWEEN ? AND ? ORDER BY place DESC",
        places(number),
    ):
        yield place - (number << _SEQ_BITS), bytes(data) if isinstance(data, bytes) else b""


def insert_checkpoint(cursor: sqlite3.Cursor, number: int, seq: int, data: bytes) -> None:
    """Keep the checkpoint of record `seq`, and of the others the newest, as part of a transaction."""
    first, last = places(number)
    cursor.execute("INSERT OR REPLACE INTO checkpoints VALUES (?, ?)", (first + seq - 1, data))
    cursor.execute(
        "DELETE FROM checkpoints WHERE place BETWEEN ? AND ? AND place NOT IN"
        " (SELECT place FROM checkpoints WHERE place BETWEEN ? AND ? ORDER BY place DESC LIMIT ?)",
        (first, last, first, last, KEPT_CHECKPOINTS),
    )
