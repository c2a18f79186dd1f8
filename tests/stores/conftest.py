"""Worlds to try a store in: a file, a folder, memory, a Redis server; and processes to share them."""

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
from fsm.stores import JsonStore, MemoryStore, RedisStore, SqliteStore, open_store
from fsm.stores.jsonl.lines import read_record, record_line
from fsm.stores.redis.rows import read_records, text
from tests.stores.server import Server

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
    cwd: Path | None = None
    """Where another process works."""

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
        self.store._runs[run_id].owner = None

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
    first_look = "fsm.stores.sqlite.store.reading"

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
    first_look = "fsm.stores.jsonl.run_folders.RunFolders.examine"

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


class RedisWorld(World):
    """A store under a prefix of its own on a server that others use too; `state` is this machine's folder."""

    def __init__(self, server: Server, state: Path, options: str = "") -> None:
        self.server = server
        self.state = self.folder = state
        self.cwd = state.parent
        self.prefix = f"t{os.urandom(6).hex()}"
        self.url = f"{server.url}?prefix={self.prefix}{options}"
        self.store = self.again()

    def again(self) -> RedisStore:
        store = open_store(self.url)
        assert isinstance(store, RedisStore)
        return RedisStore(store.address, self.state)

    def key(self, name: str) -> str:
        return f"{self.prefix}:{name}"

    def ask(self, command: str, name: str, *arguments: object) -> Any:
        """One command about a key, as any other program may give it."""
        return self.server.ask(command, self.key(name), *arguments)

    def lose_owner(self, run_id: str) -> None:
        assert self.ask("DEL", f"lease:{run_id}") == 1

    def rewrite(self, run_id: str, change: Rewrite) -> None:
        records = read_records(self.entries(run_id), run_id, "")
        self.ask("DEL", f"journal:{run_id}")
        for seq, *cells in change(records):
            names = ("epoch", "at", "version", "kind", "data", "hash")
            pairs = [part for pair in zip(names, map(text, cells), strict=True) for part in pair]
            self.ask("XADD", f"journal:{run_id}", f"{seq}-0", *pairs)

    def entries(self, run_id: str = "run-1") -> list[Any]:
        with self.server.client() as client:
            client.response_callbacks.clear()
            found: list[Any] = client.execute_command(
                "XRANGE", self.key(f"journal:{run_id}"), "-", "+"
            )
        return found

    def rewrite_plan(self, run_id: str, document: bytes | None = None, digest: str = "") -> None:
        if document is not None:
            self.ask("SET", f"plan:{run_id}", document)
        if digest:
            self.ask("HSET", f"run:{run_id}", "digest", digest)

    def rewrite_checkpoint(self, run_id: str, seq: int, change: Callable[[bytes], bytes]) -> None:
        data = self.ask("HGET", f"checkpoints:{run_id}", seq)
        self.ask("HSET", f"checkpoints:{run_id}", seq, change(data))

    def elsewhere(self) -> Store:
        return RedisWorld(self.server, self.state.with_name("elsewhere")).store


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server of this process's tests: every test has a prefix of its own on it."""
    server = Server(tmp_path_factory.mktemp("valkey")).start()
    yield server
    server.end()


@pytest.fixture
def remote(valkey: Server, tmp_path: Path) -> RedisWorld:
    """A store on the server that all tests share, which none may stop or set otherwise."""
    return RedisWorld(valkey, tmp_path / ".fsm")


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Starts servers that a test may kill, starve and set as it likes."""
    started: list[Server] = []

    def start(**settings: str) -> Server:
        started.append(Server(tmp_path / f"server-{len(started)}", **settings).start())
        return started[-1]

    yield start
    for server in started:
        server.end()


@pytest.fixture(autouse=True)
def journals(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Journal]]:
    """The journals that the test opened: all are closed with it, as their port demands."""
    opened: list[Journal] = []

    def keep(method: Callable[..., Journal]) -> Callable[..., Journal]:
        def kept(*args: Any, **named: Any) -> Journal:
            opened.append(method(*args, **named))
            return opened[-1]

        return kept

    stores: list[RedisStore] = []
    begin = RedisStore.__init__

    def note(store: RedisStore, *args: Any, **named: Any) -> None:
        begin(store, *args, **named)
        stores.append(store)

    for kind in (SqliteStore, JsonStore, RedisStore):
        monkeypatch.setattr(kind, "create", keep(kind.create))
        monkeypatch.setattr(kind, "acquire", keep(kind.acquire))
    monkeypatch.setattr(RedisStore, "__init__", note)
    yield opened
    for journal in opened:
        journal.close()
    for store in stores:
        store.close()


@pytest.fixture
def state(tmp_path: Path) -> SqliteWorld:
    """A SQLite store whose folder does not exist yet."""
    return SqliteWorld(tmp_path / ".fsm" / "state.db")


@pytest.fixture(params=["sqlite", "json", "memory", "redis"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    return world_of(request, tmp_path)


def world_of(request: pytest.FixtureRequest, folder: Path) -> World:
    """A fresh world of the kind of store that is the fixture's parameter."""
    match request.param:
        case "sqlite":
            return SqliteWorld(folder / ".fsm" / "state.db")
        case "json":
            return JsonWorld(folder / ".fsm")
        case "redis":
            return RedisWorld(request.getfixturevalue("valkey"), folder / ".fsm")
        case _:
            return MemoryWorld()


class Worker:
    """Another process with the same store: see `worker.py` for what it can be told."""

    def __init__(self, world: World) -> None:
        source = [str(Path(fsm.__file__).parent.parent), *sys.path]
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("worker.py")), world.url],
            cwd=world.cwd,
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
    yield from workers(state)


@pytest.fixture
def remote_worker(remote: RedisWorld) -> Iterator[Callable[[], Worker]]:
    """Starts processes that share `remote`; ends them with the test."""
    yield from workers(remote)


def workers(world: World) -> Iterator[Callable[[], Worker]]:
    started: list[Worker] = []

    def start() -> Worker:
        started.append(Worker(world))
        return started[-1]

    yield start
    for each in started:
        each.process.send_signal(signal.SIGCONT)
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
