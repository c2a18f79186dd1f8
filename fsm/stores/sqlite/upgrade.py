"""Bringing a database of an older format to this one: a copy is kept first, then one transaction does it."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Final

__all__ = ["bring_up", "pretend"]

_CHECKPOINTS: Final = "CREATE TABLE checkpoints (place INTEGER PRIMARY KEY, data BLOB NOT NULL)"

_STEPS: Final[Mapping[int, tuple[str, ...]]] = {
    1: (_CHECKPOINTS, "ALTER TABLE records ADD COLUMN version INTEGER NOT NULL DEFAULT 1"),
}
"""What leads from each format to the next. `tests/stores/samples` has a database of each."""

_VIEWS: Final[Mapping[int, tuple[str, ...]]] = {
    1: (
        "CREATE TEMP VIEW checkpoints AS SELECT 0 AS place, NULL AS data WHERE 0",
        "CREATE TEMP VIEW records AS SELECT *, 1 AS version FROM main.records",
    ),
}
"""The tables of the newest format, for a reader that may not write."""


def bring_up(connection: sqlite3.Connection, path: Path, version: int, wanted: int) -> None:
    """Bring the database from format `version` to `wanted`, after a copy of it was put beside it.

    Two processes may do this at once: one does, the other finds it done.
    """
    copy = path.with_name(f"{path.name}.v{version}.bak")
    draft = path.with_name(f".{copy.name}.{os.urandom(4).hex()}")
    if not copy.exists():
        try:
            os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            connection.execute("VACUUM INTO ?", (str(draft),))
            with draft.open("rb") as file:
                os.fsync(file.fileno())
            with contextlib.suppress(FileExistsError):
                os.link(draft, copy)
        finally:
            draft.unlink(missing_ok=True)
    connection.execute("BEGIN IMMEDIATE")
    try:
        (found,) = connection.execute("PRAGMA user_version").fetchone()
        for step in range(found, wanted):
            for statement in _STEPS[step]:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version={wanted}")
        connection.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise


def pretend(connection: sqlite3.Connection, version: int) -> None:
    """Let a connection that only reads see a database of format `version` as one of the newest."""
    connection.execute("PRAGMA temp_store=MEMORY")
    for view in _VIEWS[version]:
        connection.execute(view)
