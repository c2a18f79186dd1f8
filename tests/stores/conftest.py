"""Worlds to try a store in: one file, a folder of files, and memory; and processes to share a store."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

import fsm
from fsm.engine.journal import Record
from fsm.engine.ports import Approval, Journal, RunSummary, Store
from fsm.run.events import Event, RunCreated
from fsm.stores import JsonStore, MemoryStore, SqliteStore
from fsm.stores.lines import read_record, record_line

Rewrite = Callable[[list[Record]], list[Record]]


class World:
    """A store, and what a test needs beside the port: a second view, lost owners, forged rows.

    If processes can share it, `url` names it to them, all that it makes is in `folder`, and
    `first_look` is what it asks first whether there is anything.
    """

    store: Store
    url: str
    folder: Path
    first_look: str

    def again(self) -> Store:
        """The same runs, as another process would open them."""
        raise NotImplementedError

    def lose_owner(self, run_id: str) -> None:
        """Make the run free although its owner lives, as a tidied-up lock file does (F49)."""
        raise NotImplementedError

    def rewrite(self, run_id: str, change: Rewrite) -> None:
        """Replace the stored records behind the store's back."""
        raise NotImplementedError

    def rewrite_plan(self, run_id: str, document: bytes | None = None, digest: str = "") -> None:
        """Replace the stored plan or the run's digest behind the store's back."""
        raise NotImplementedError

    def rewrite_checkpoint(self, run_id: str, seq: int, change: Callable[[bytes], bytes]) -> None:
        """Replace a stored checkpoint behind the store's back."""
        raise NotImplementedError

    def elsewhere(self) -> Store:
        """An empty store of the same kind, a new one each time."""
        raise NotImplementedError

    @staticmethod
    def plan(plan_id: str = "plan-1") -> tuple[str, bytes]:
        """The digest and the document of a plan."""
        document = json.dumps({"id": plan_id, "name": "Grüße"}).encode()
        return sha256(document).hexdigest(), document

    def begin(
        self,
        run_id: str = "run-1",
        plan_id: str = "plan-1",
        *,
        store: Store | None = None,
        at: float = 1000.0,
        state: str = "running",
        events: Sequence[Event] | None = None,
        approval: Approval | None = None,
        alongside: bool = False,
    ) -> Journal:
        digest, document = self.plan(plan_id)
        return (store or self.store).create(
            RunSummary(run_id, plan_id, f"Plan {plan_id}", digest, state, at, at),
            document,
            [RunCreated(digest=digest, by="ann")] if events is None else events,
            approval=approval,
            alongside=alongside,
        )

    def events(self, run_id: str = "run-1") -> list[Event]:
        """What another process reads of the run."""
        return [record.event for record in self.again().load(run_id).records]


class MemoryWorld(World):
    def __init__(self) -> None:
        self.store: MemoryStore = MemoryStore()

    def again(self) -> Store:
        return self.store

    def lose_owner(self, run_id: str) -> None:
        assert self.store.holder(run_id)
        self.store.forget_owners()

    def rewrite(self, run_id: str, change: Rewrite) -> None:
        run = self.store._runs[run_id]
        run.records = change(list(run.records))

    def rewrite_plan(self, run_id: str, document: bytes | None = None, digest: str = "") -> None:
        run = self.store._runs[run_id]
        if document is not None:
            run.document = document
        if digest:
            run.summary = replace(run.summary, digest=digest)

    def rewrite_checkpoint(self, run_id: str, seq: int, change: Callable[[bytes], bytes]) -> None:
        kept = self.store._runs[run_id].checkpoints
        kept[seq] = change(kept[seq])

    def elsewhere(self) -> Store:
        return MemoryStore()


class SqliteWorld(World):
    first_look = "fsm.stores.sqlite.reading"

    def __init__(self, path: Path) -> None:
        self.path = path
        self.folder = path.parent
        self.url = f"sqlite:{path}"
        self.locks = path.with_name(path.name + "-locks")
        self.store: SqliteStore = SqliteStore(path)

    def again(self) -> Store:
        return SqliteStore(self.path)

    def lock(self, run_id: str = "run-1") -> Path:
        return self.locks / f"{run_id}.lock"

    def lose_owner(self, run_id: str) -> None:
        self.lock(run_id).unlink()

    def sql(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run a statement as any other program may."""
        connection = sqlite3.connect(self.path, isolation_level=None)
        try:
            return connection.execute(statement, values).fetchall()
        finally:
            connection.close()

    def rewrite(self, run_id: str, change: Rewrite) -> None:
        ((number,),) = self.sql("SELECT number FROM runs WHERE run_id = ?", run_id)
        first = number << 32
        span = (first, first + (1 << 32))
        columns = "place, epoch, at, version, kind, data, hash"
        query = f"SELECT {columns} FROM records WHERE place BETWEEN ? AND ? ORDER BY place"
        rows = self.sql(query, *span)
        changed = change([Record(place - first, *cells) for place, *cells in rows])
        self.sql("DELETE FROM records WHERE place BETWEEN ? AND ?", *span)
        for r in changed:
            cells = (first + r.seq, *r[1:])
            self.sql(f"INSERT INTO records ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?)", *cells)

    def rewrite_plan(self, run_id: str, document: bytes | None = None, digest: str = "") -> None:
        if document is not None:
            self.sql("UPDATE plans SET document = ?", document)
        if digest:
            self.sql("UPDATE runs SET digest = ? WHERE run_id = ?", digest, run_id)

    def rewrite_checkpoint(self, run_id: str, seq: int, change: Callable[[bytes], bytes]) -> None:
        ((number,),) = self.sql("SELECT number FROM runs WHERE run_id = ?", run_id)
        place = (number << 32) + seq
        ((data,),) = self.sql("SELECT data FROM checkpoints WHERE place = ?", place)
        self.sql("UPDATE checkpoints SET data = ? WHERE place = ?", change(data), place)

    def elsewhere(self) -> Store:
        folder = self.path.parent.parent / f"elsewhere-{os.urandom(4).hex()}"
        return SqliteStore(folder / ".fsm" / "state.db")


class JsonWorld(World):
    first_look = "fsm.stores.run_folders.RunFolders.examine"

    def __init__(self, path: Path) -> None:
        self.path = self.folder = path
        self.url = f"json:{path}"
        self.locks = path / "locks"
        self.store: JsonStore = JsonStore(path)

    def again(self) -> Store:
        return JsonStore(self.path)

    def lock(self, run_id: str = "run-1") -> Path:
        return self.locks / f"{run_id}.lock"

    def journal(self, run_id: str = "run-1") -> Path:
        return self.path / "runs" / run_id / "journal.jsonl"

    def lose_owner(self, run_id: str) -> None:
        self.lock(run_id).unlink()

    def rewrite(self, run_id: str, change: Rewrite) -> None:
        """The lines between the records stay as and where they are."""
        lines = self.journal(run_id).read_bytes().splitlines()
        records = [read_record(line) for line in lines if line.startswith(b'{"seq"')]
        changed = [record_line(record).encode() for record in change(records)]
        written = []
        for number, line in enumerate(lines, 1):
            if number == len(lines):
                written += changed
            if not line.startswith(b'{"seq"'):
                written.append(line)
            elif changed:
                written.append(changed.pop(0))
        self.journal(run_id).write_bytes(b"".join(line + b"\n" for line in written))

    def rewrite_plan(self, run_id: str, document: bytes | None = None, digest: str = "") -> None:
        folder = self.journal(run_id).parent
        if document is not None:
            (folder / "plan.json").write_bytes(document)
        if digest:
            header, newline, rest = self.journal(run_id).read_text().partition("\n")
            header = re.sub(r'(?<="digest":")\w+', digest, header)
            self.journal(run_id).write_text(header + newline + rest)

    def rewrite_checkpoint(self, run_id: str, seq: int, change: Callable[[bytes], bytes]) -> None:
        path = self.journal(run_id).parent / "checkpoints" / f"{seq:06}.json"
        path.write_bytes(change(path.read_bytes()))

    def elsewhere(self) -> Store:
        return JsonStore(self.path.parent.parent / f"elsewhere-{os.urandom(4).hex()}" / ".fsm")


@pytest.fixture(autouse=True)
def journals(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Journal]]:
    """The journals on disk that the test opened: all are closed with it, as their port demands."""
    opened: list[Journal] = []

    def keep(method: Callable[..., Journal]) -> Callable[..., Journal]:
        def kept(*args: Any, **named: Any) -> Journal:
            opened.append(method(*args, **named))
            return opened[-1]

        return kept

    for kind in (SqliteStore, JsonStore):
        monkeypatch.setattr(kind, "create", keep(kind.create))
        monkeypatch.setattr(kind, "acquire", keep(kind.acquire))
    yield opened
    for journal in opened:
        journal.close()


@pytest.fixture
def state(tmp_path: Path) -> SqliteWorld:
    """A SQLite store whose folder does not exist yet."""
    return SqliteWorld(tmp_path / ".fsm" / "state.db")


@pytest.fixture(params=["sqlite", "json", "memory"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    return world_of(request.param, tmp_path)


def world_of(kind: str, folder: Path) -> World:
    """A fresh world of that kind of store."""
    match kind:
        case "sqlite":
            return SqliteWorld(folder / ".fsm" / "state.db")
        case "json":
            return JsonWorld(folder / ".fsm")
        case _:
            return MemoryWorld()


class Worker:
    """Another process with the same store: see `worker.py` for what it can be told."""

    def __init__(self, url: str) -> None:
        source = [str(Path(fsm.__file__).parent.parent), *sys.path]
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("worker.py")), url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(source)},
        )
        self.pid = self.process.pid

    def say(self, verb: str, *arguments: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(" ".join([verb, *arguments]) + "\n")
        self.process.stdin.flush()

    def hear(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().rstrip("\n")

    def ask(self, verb: str, *arguments: str) -> str:
        self.say(verb, *arguments)
        return self.hear()

    def kill(self) -> None:
        """By -9, and verified: it was alive, and this is what ended it."""
        assert self.process.poll() is None
        self.process.kill()
        assert self.process.wait() == -signal.SIGKILL
        self.close()

    def close(self) -> None:
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            with suppress(BrokenPipeError):  # it died before it heard the last order
                pipe.close()
        self.process.wait()


@pytest.fixture
def worker(state: World) -> Iterator[Callable[[], Worker]]:
    """Starts processes that share `state`; ends them with the test."""
    started: list[Worker] = []

    def start() -> Worker:
        started.append(Worker(state.url))
        return started[-1]

    yield start
    for each in started:
        each.close()


@pytest.fixture
def together() -> Callable[..., list[Any]]:
    """Calls the functions in threads at the same moment; gives what each returned or raised."""

    def run(*functions: Callable[[], Any]) -> list[Any]:
        gate = threading.Barrier(len(functions))
        results: list[Any] = [None] * len(functions)

        def call(index: int, function: Callable[[], Any]) -> None:
            gate.wait()
            try:
                results[index] = function()
            except Exception as error:
                results[index] = error

        threads = [threading.Thread(target=call, args=pair) for pair in enumerate(functions)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return results

    return run
