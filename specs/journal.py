"""A run's journal, read as a stranger would: from the database or the folder of lines, by no code of fsm's.

A state is the path of a database, or of such a folder.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Entry", "all_rows", "entries", "journals", "newest_run", "opened", "state_of", "told"]


@dataclass(frozen=True)
class Entry:
    """One record: what happened, when (in seconds), and its fields."""

    at: float
    kind: str
    data: dict[str, Any]

    @property
    def step(self) -> str:
        return str(self.data.get("step", ""))


@contextmanager
def opened(database: Path) -> Iterator[sqlite3.Connection]:
    assert database.exists(), f"there is no {database}"
    with closing(sqlite3.connect(database, isolation_level=None, timeout=10)) as connection:
        yield connection


@contextmanager
def _read(database: Path) -> Iterator[sqlite3.Connection]:
    """For reading alone, beside any writer; on a read-only disk nobody writes."""
    assert database.exists(), f"there is no {database}"
    beside = "mode=ro" if os.access(database.parent, os.W_OK) else "immutable=1"
    with closing(sqlite3.connect(f"{database.as_uri()}?{beside}", uri=True)) as connection:
        yield connection


def journals(folder: Path) -> list[list[dict[str, Any]]]:
    """The lines of every journal in a folder of JSON lines, oldest run first."""
    found = [
        [json.loads(line) for line in path.read_text().splitlines()]
        for path in folder.glob("runs/*/journal.jsonl")
    ]
    assert found, "no run is recorded"
    return sorted(found, key=lambda lines: lines[0]["number"])


def newest_run(database: Path) -> str:
    """The id of the newest run."""
    if database.is_dir():
        return str(journals(database)[-1][0]["run_id"])
    with _read(database) as connection:
        row = connection.execute("SELECT run_id FROM runs ORDER BY number DESC LIMIT 1").fetchone()
    assert row, "no run is recorded"
    return str(row[0])


def state_of(database: Path) -> str:
    """The state of the newest run, as the list of runs has it."""
    if database.is_dir():
        return str(journals(database)[-1][-1]["state"])
    with _read(database) as connection:
        return str(connection.execute("SELECT state FROM runs ORDER BY number DESC").fetchone()[0])


def entries(database: Path, number: int | None = None) -> list[Entry]:
    """The journal of a run by its number from 1, oldest run first; of the newest run by default."""
    if database.is_dir():
        runs = journals(database)
        lines = (
            runs[-1]
            if number is None
            else [line for run in runs[number - 1 : number] for line in run]
        )
        return [Entry(line["at"], line["kind"], line["data"]) for line in lines if "kind" in line]
    with _read(database) as connection:
        if number is None:
            (number,) = connection.execute("SELECT max(number) FROM runs").fetchone()
        rows = connection.execute(
            "SELECT at, kind, data FROM records WHERE place >> 32 = ? ORDER BY place", (number,)
        ).fetchall()
    return [Entry(at, kind, json.loads(data)) for at, kind, data in rows]


def all_rows(database: Path) -> list[tuple[Any, ...]]:
    """Every record of every run, as stored."""
    if database.is_dir():
        return [
            (run[0]["run_id"], *line.values()) for run in journals(database) for line in run[1:]
        ]
    with _read(database) as connection:
        return connection.execute("SELECT * FROM records ORDER BY place").fetchall()


def told(entry: Entry) -> str:
    """The record in words, such as `branch started`; empty for those that begin a run, and for those
    that only a slow machine writes: which process a step is that lasts."""
    match entry.kind:
        case "StepProbed":
            words = f"found {entry.data['verdict']}"
        case "StepMarked":
            words = f"marked {entry.data['as_']}"
        case "StepFailed" if entry.data.get("retry_at"):
            words = "to be retried"
        case "UndoFailed" if entry.data.get("retry_at"):
            words = "undo to be retried"
        case kind:
            words = _WORDS.get(kind, "")
    return f"{entry.step} {words}".strip().replace("_", " ") if words else ""


_WORDS = {
    "StepStarted": "started",
    "StepCompleted": "completed",
    "StepFailed": "failed",
    "StepCancelled": "cancelled",
    "StepSkipped": "skipped",
    "UndoStarted": "undo started",
    "UndoCompleted": "undone",
    "UndoFailed": "undo failed",
    "UndoCancelled": "undo cancelled",
    "RunPaused": "paused",
    "RunResumed": "resumed",
    "RollbackRequested": "rollback requested",
    "RunAborted": "aborted",
    "RunnerLost": "runner lost",
}
