"""Durable appends, one event each: `python appended.py fsm|bare sqlite|json|redis FOLDER COUNT`.

Bare is the plainest that is as durable: a committed row, a line that is synced, an entry of a stream that a
server acknowledges when its log is synced.
"""

from __future__ import annotations

import json
import os
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path

from backends import placed
from meter import Meter, say

from fsm.engine.ports import RunSummary
from fsm.plan.model import Call, Plan, Step
from fsm.run import events as on
from fsm.stores import open_store

EVENT = on.StepCompleted("step", 1, 0.125)
ROW = (1, 1, 1763700000.5, 2, "StepCompleted", json.dumps(on.encode(EVENT)[1]), "f" * 64)


def of_fsm(url: str, folder: Path) -> Callable[[], None]:
    plan = Plan(
        id="plan",
        name="plan",
        steps=(Step(id="step", name="step", call=Call(skill="noop", action="pass")),),
    )
    store = open_store(url, folder)
    summary = RunSummary("run-1", plan.id, plan.name, plan.digest, "running", 0.0, 0.0)
    journal = store.create(summary, plan.document, [on.RunCreated(plan.digest)])
    return lambda: journal.append([EVENT], at=1763700000.5, state="running")


def bare_sqlite(_: str, folder: Path) -> Callable[[], None]:
    database = sqlite3.connect(folder / "bare.db", isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.execute("CREATE TABLE records (seq, epoch, at, version, kind, data, hash)")

    def append() -> None:
        database.execute("INSERT INTO records VALUES (?, ?, ?, ?, ?, ?, ?)", ROW)

    return append


def bare_json(_: str, folder: Path) -> Callable[[], None]:
    fd = os.open(folder / "bare.jsonl", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    line = json.dumps(ROW).encode() + b"\n"

    def append() -> None:
        os.write(fd, line)
        os.fdatasync(fd)

    return append


def bare_redis(url: str, _: Path) -> Callable[[], None]:
    import redis

    client, line = redis.Redis.from_url(url), json.dumps(ROW)
    return lambda: client.execute_command("XADD", "bare", "*", "row", line)


def main() -> None:
    side, kind, folder, count = sys.argv[1], sys.argv[2], Path(sys.argv[3]), int(sys.argv[4])
    bare = {"sqlite": bare_sqlite, "json": bare_json, "redis": bare_redis}
    with placed(kind, folder) as url:
        append = (of_fsm if side == "fsm" else bare[kind])(url, folder)
        append()
        meter = Meter()
        for _ in range(count):
            append()
        say({**meter.read(), "appends": count})


main()
