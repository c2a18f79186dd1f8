"""The real engine with its kill points: wrapped from outside, in a process of its own.

Nothing in the product knows of this. `watch` replaces, for the rest of this process, what lies between
fsm and its files, or SQLite, and the executor that `fsm.app.session` makes by subclasses and wrappers that
cross a point and then do the very same.
"""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any, ClassVar
from unittest.mock import patch

from redis.connection import AbstractConnection

from fsm.actions.shell import ShellAction
from fsm.app import skills
from fsm.app.workspace import Workspace
from fsm.cli.progress import Progress
from fsm.engine.attempts import Attempts
from fsm.engine.checkpoint import Checkpoint
from fsm.engine.executor import Executor
from fsm.engine.ports import (
    Action,
    Approval,
    Journal,
    Outcome,
    RunSummary,
    Store,
    StoredRun,
    Task,
)
from fsm.plan import Plan
from fsm.run import Run
from fsm.run.events import Event, RunnerLost
from fsm.stores import open_store
from fsm.stores.lock import RunLock
from fsm.stores.redis import server as redis_server
from fsm.stores.redis.heads import HeadFile
from fsm.stores.sqlite import database
from fsm.stores.sqlite.journal import SqliteJournal

from .ledger import Ledger, LedgerAction
from .points import Points

__all__ = ["TAKEN_UP", "WatchedExecutor", "WatchedJournal", "watch"]

TAKEN_UP = "taken-up"
_LASTING = ("link", "rename", "unlink", "mkdir", "ftruncate", "fsync")
_SHORTEST_FILE_BYTES = 100
"""Fewer than any file has that a store writes aside first, but for a `.gitignore`: the next one is torn."""


class WatchedJournal:
    """A journal that crosses points; and says, outside the store, what it has acknowledged (I21)."""

    def __init__(self, journal: Journal, points: Points, folder: Path) -> None:
        self.run_id = journal.run_id
        self.epoch = journal.epoch
        self._journal = journal
        self._points = points
        self._folder = folder

    @property
    def seq(self) -> int:
        return self._journal.seq

    @property
    def hash(self) -> str:
        return self._journal.hash

    def append(self, events: Sequence[Event], *, at: float, state: str) -> None:
        with self._points.within("append"):
            self._journal.append(events, at=at, state=state)
            self.acknowledged(events)

    def acknowledged(self, events: Sequence[Event]) -> None:
        with (self._folder / "acknowledged").open("a") as file:
            file.write(f"{self.epoch} {len(events)}\n")

    def keep(self, checkpoint: bytes) -> None:
        with self._points.within("keep"):
            self._journal.keep(checkpoint)

    def forget_checkpoints(self) -> None:
        with self._points.within("forget"):
            self._journal.forget_checkpoints()

    def close(self) -> None:
        with self._points.within("close"):
            if isinstance(self._journal, SqliteJournal):
                self._points.tear_checkpoint()
            self._journal.close()


class WatchedStore:
    """A store that crosses points around what it writes, and hands out watched journals."""

    def __init__(self, store: Store, points: Points, folder: Path) -> None:
        self._store = store
        self._points = points
        self._folder = folder

    def create(
        self,
        summary: RunSummary,
        document: bytes,
        events: Sequence[Event],
        *,
        approval: Approval | None = None,
        alongside: bool = False,
    ) -> Journal:
        with self._points.within("create"):
            journal = self._store.create(
                summary, document, events, approval=approval, alongside=alongside
            )
            watched = WatchedJournal(journal, self._points, self._folder)
            watched.acknowledged(events)
        return watched

    def acquire(self, run_id: str) -> Journal:
        with self._points.within("acquire"):
            journal = self._store.acquire(run_id)
        return WatchedJournal(journal, self._points, self._folder)

    def load(self, run_id: str, *, from_checkpoint: bool = False) -> StoredRun:
        with self._points.within("load"):
            stored = self._store.load(run_id, from_checkpoint=from_checkpoint)
            if stored.checkpoint is not None:
                self._points.step("from_checkpoint")
            return stored

    def checkpoints(self, run_id: str) -> Sequence[Checkpoint]:
        return self._store.checkpoints(run_id)

    def adopt(self, stored: StoredRun, *, alongside: bool = False) -> None:
        self._store.adopt(stored, alongside=alongside)

    def remove(self, run_id: str, *, damaged: bool = False) -> None:
        self._store.remove(run_id, damaged=damaged)

    def approve(self, approval: Approval) -> None:
        with self._points.within("approve"):
            self._store.approve(approval)

    def holder(self, run_id: str) -> int | None:
        return self._store.holder(run_id)

    def runs(self) -> Sequence[RunSummary]:
        return self._store.runs()

    def approvals(self, digest: str) -> Sequence[Approval]:
        return self._store.approvals(digest)

    def close(self) -> None:
        self._store.close()


class WatchedAttempts(Attempts):
    """The attempts, with a point where an outcome is known and not yet recorded."""

    async def perform(self, *call: Any) -> Outcome:
        outcome = await super().perform(*call)
        WatchedExecutor.points.cross("outcome:made")
        return outcome


class WatchedExecutor(Executor):
    """The executor, with a point at each turn of its loop."""

    points: ClassVar[Points]
    has_shown = False
    is_recollecting = False

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        self.attempts.__class__ = WatchedAttempts
        self.points.cross("taken:up")

    def recollect(self, *told: Any) -> None:
        self.is_recollecting = True
        super().recollect(*told)
        self.is_recollecting = False
        self.points.cross("recollected")

    def record(self, event: Event) -> None:
        if not (self.is_recollecting or isinstance(event, RunnerLost)):
            self._show()
        super().record(event)
        self.points.cross("recorded")

    async def drive(self) -> Any:
        self._show()
        run = await super().drive()
        self.points.cross("rested")
        return run

    def _show(self) -> None:
        """Write down, once, how the run presents itself to who took it up, before anything is asked of it."""
        if not self.has_shown:
            self.has_shown = True
            steps = {record.id: record.state for record in self.run.steps}
            Path(TAKEN_UP).write_text(json.dumps(steps))

    def _launch(self, loop: asyncio.AbstractEventLoop) -> None:
        many = len(self._launches)
        if many:
            self.points.cross("launch:before")
        super()._launch(loop)
        if many:
            self.points.cross("launch:done")

    def _turned(self, loop: asyncio.AbstractEventLoop) -> bool:
        rests = super()._turned(loop)
        if self._timer is not None:
            self.points.cross("waiting")
        return rests


class WatchedShell(ShellAction):
    """Commands, with points before they are spawned, while they run, and after."""

    def __init__(self, points: Points) -> None:
        super().__init__()
        self._points = points

    async def perform(self, task: Task) -> Outcome:
        self._points.cross("act:entered")
        going = asyncio.ensure_future(super().perform(task))
        await asyncio.sleep(0)
        self._points.cross("act:begun")
        outcome = await going
        self._points.cross("act:done")
        return outcome


class WatchedWorkspace(Workspace):
    """A workspace with a skill more, `ledger`, which works beside the state."""

    points = Points(Path())

    @cached_property
    def store(self) -> Store:
        return WatchedStore(open_store(self.state_url, self.folder), self.points, self.cwd)

    def actions_of(self, plan: Plan, cwd: Path | None = None) -> dict[str, Action]:
        ledger = LedgerAction(Ledger(self.cwd, self.state_url), self.points)
        return {"ledger": ledger, "shell": WatchedShell(self.points)}


def watch(points: Points) -> None:
    """From here on, this process crosses `points`."""
    WatchedExecutor.points = WatchedWorkspace.points = points
    connect, note, observe = database._connect, RunLock.note, Progress.observe
    write, fdopen = os.write, os.fdopen
    evaluate, note_head = redis_server._evaluate, HeadFile.note
    send = AbstractConnection.send_packed_command

    def connected(path: Path, query: str) -> sqlite3.Connection:
        connection = connect(path, query)
        connection.set_trace_callback(points.statement)
        return connection

    def stepped(name: str) -> Callable[..., Any]:
        really = getattr(os, name)

        def call(*parts: Any, **more: Any) -> Any:
            points.step(name)
            return really(*parts, **more)

        return call

    def written(fd: int, data: bytes) -> int:
        points.step("write")
        points.write(os.fstat(fd).st_size, len(data))
        return write(fd, data)

    def filled(fd: int, *parts: Any, **more: Any) -> Any:
        """A new file is about to be written, of a length that is not known here."""
        if parts and "w" in parts[0]:
            points.step("fill")
            points.write(0, _SHORTEST_FILE_BYTES)
        return fdopen(fd, *parts, **more)

    def noted(lock: RunLock, seq: int, hash_: str) -> None:
        points.step("noting")
        note(lock, seq, hash_)

    def noted_head(head: HeadFile, seq: int, hash_: str) -> None:
        points.step("noting")
        note_head(head, seq, hash_)

    def sent(connection: Any, *parts: Any, **more: Any) -> None:
        send(connection, *parts, **more)
        points.step("sent")

    def evaluated(*parts: Any) -> Any:
        """The server has carried out what was sent, or will, whether or not anybody hears its answer."""
        points.step("send")
        answer = evaluate(*parts)
        points.step("answered")
        return answer

    def observed(progress: Progress, run: Run, event: Event, at: float) -> None:
        observe(progress, run, event, at)
        points.cross("observed")

    replaced: dict[str, object] = {
        "fsm.stores.sqlite.database._connect": connected,
        "fsm.stores.lock.RunLock.note": noted,
        "fsm.stores.redis.server._evaluate": evaluated,
        "fsm.stores.redis.heads.HeadFile.note": noted_head,
        "redis.connection.AbstractConnection.send_packed_command": sent,
        "os.write": written,
        "os.fdopen": filled,
        **{f"os.{name}": stepped(name) for name in _LASTING},
        "fsm.app.session.Executor": WatchedExecutor,
        "fsm.app.skills.load": partial(skills.load, own=("ledger",)),
        "fsm.app.workspace.Workspace": WatchedWorkspace,
        "fsm.cli.progress.Progress.observe": observed,
    }
    for name, wrapped in replaced.items():
        patch(name, wrapped).start()
