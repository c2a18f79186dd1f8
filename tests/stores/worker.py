"""A process that shares a store with a test: reads one order a line, answers with one line.

It is given the URL of the store.

acquire RUN · create RUN PLAN · append TEXT · append_forever · acknowledge_too_early · approve NAME ·
release
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from fsm.engine.journal import Record
from fsm.engine.ports import Approval, Journal, RunSummary, Store
from fsm.errors import FsmError, Held, Refused
from fsm.run.events import RunCreated, StepMarked
from fsm.stores import open_store
from fsm.stores.jsonl.journal import JsonJournal
from fsm.stores.redis.journal import RedisJournal
from fsm.stores.redis.server import Server
from fsm.stores.sqlite.journal import SqliteJournal


def main() -> None:
    store = open_store(sys.argv[1])
    journal: Journal | None = None
    for line in sys.stdin:
        verb, *arguments = line.split()
        try:
            if verb == "acquire":
                journal = store.acquire(*arguments)
                answer = "won"
            elif verb == "create":
                journal = create(store, *arguments)
                answer = "won"
            elif verb == "release" and journal is not None:
                journal.close()
                journal, answer = None, "released"
            elif verb == "append" and journal is not None:
                append(journal, *arguments)
                answer = "recorded"
            elif verb == "approve":
                store.approve(Approval("0" * 64, *arguments, at=1.0, how="prompt"))
                answer = "approved"
            elif verb == "acknowledge_too_early":
                if isinstance(journal, SqliteJournal):
                    journal._cursor = Hasty(journal._cursor)  # type: ignore[assignment]
                elif isinstance(journal, JsonJournal):
                    journal.__class__ = HastyJson  # type: ignore[assignment]
                elif isinstance(journal, RedisJournal):
                    journal._server = Forgetful(journal._server.address)
                answer = "so be it"
            elif verb == "append_forever" and journal is not None:
                number = 0
                while True:
                    number += 1
                    append(journal, str(number))
                    print(number, flush=True)
            else:
                answer = f"not understood: {line}"
        except Held as error:
            answer = f"held {error.pid}"
        except Refused as error:
            answer = f"refused {error.message}"
        except FsmError as error:
            answer = f"{type(error).__name__} {error.message}"
        print(answer, flush=True)


class Hasty:
    """A cursor that leaves the commit for later: the broken control."""

    def __init__(self, cursor: Any) -> None:
        self._cursor = cursor
        self.executemany = cursor.executemany
        cursor.execute("BEGIN IMMEDIATE")

    def execute(self, statement: str, *values: Any) -> Any:
        if statement not in ("BEGIN IMMEDIATE", "COMMIT"):
            return self._cursor.execute(statement, *values)
        return None


class HastyJson(JsonJournal):
    """A journal that leaves the writing for later: the broken control."""

    __slots__ = ()

    def _in_place(self) -> bool:
        return True

    def _write(self, records: Sequence[Record], at: float, state: str) -> None:
        self.seq += len(records)


class Forgetful(Server):
    """A server that answers before it has done anything: the broken control."""

    def write(self, *_: object, **__: object) -> list[bytes]:
        return [b"ok"]


def create(store: Store, run_id: str, plan_id: str) -> Journal:
    """A run of a plan that says nothing but its name."""
    document = json.dumps({"id": plan_id}).encode()
    digest = sha256(document).hexdigest()
    return store.create(
        RunSummary(run_id, plan_id, plan_id, digest, "running", 1.0, 1.0),
        document,
        [RunCreated(digest=digest)],
    )


def append(journal: Journal, text: str) -> None:
    journal.append([StepMarked("s", "done", "worker", text)], at=2.0, state="running")


if __name__ == "__main__":
    main()
