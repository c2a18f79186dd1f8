"""The bare loops: what one would write by hand, with the same spawns and one durable commit a step.

Run as `python bare.py WORK FOLDER COUNT`, in a process of its own, which imports nothing but what the
loop needs. A step is one row, committed by itself: WAL, `synchronous=FULL`.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time

from meter import Meter, say

SLOTS = 16
NAP = ("sleep", "0.05")


def commits(database: sqlite3.Connection, count: int) -> None:
    """Steps that do nothing."""
    for number in range(count):
        _record(database, number)


def spawns(database: sqlite3.Connection, count: int) -> None:
    """Steps of `true`, one after another."""
    for number in range(count):
        subprocess.run(["true"], check=True)
        _record(database, number)


def pool(database: sqlite3.Connection, count: int) -> None:
    """Steps that sleep, as many at once as there are slots; a slot is filled as soon as it is free."""
    running: dict[int, subprocess.Popen[bytes]] = {}
    for number in range(count):
        if len(running) == SLOTS:
            _reap(running)
            _record(database, number)
        process = subprocess.Popen(NAP)
        running[process.pid] = process
    while running:
        _reap(running)
        _record(database, count)


def _reap(running: dict[int, subprocess.Popen[bytes]]) -> None:
    pid, status = os.wait()
    running.pop(pid).returncode = os.waitstatus_to_exitcode(status)


def _open(folder: str) -> sqlite3.Connection:
    database = sqlite3.connect(f"{folder}/bare.db", isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=FULL")
    database.execute(
        "CREATE TABLE steps (place INTEGER PRIMARY KEY, step TEXT, state TEXT, at REAL)"
    )
    return database


def _record(database: sqlite3.Connection, number: int) -> None:
    database.execute(
        "INSERT INTO steps (step, state, at) VALUES (?, ?, ?)",
        (f"step-{number}", "completed", time.time()),
    )


def _main(work: str, folder: str, count: int) -> None:
    meter = Meter()
    database = _open(folder)
    {"commits": commits, "spawns": spawns, "pool": pool}[work](database, count)
    (rows,) = database.execute("SELECT count(*) FROM steps").fetchone()
    database.close()
    say({**meter.read(), "steps": rows})


if __name__ == "__main__":
    _main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
