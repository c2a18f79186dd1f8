"""Engines broken on purpose: what the checks do not catch here, they would not catch anywhere.

Each is what a hurried hand might have written, as the patches that make it so. It breaks the processes that
lead a life; those of `EVERYWHERE` break the core itself, also for those who read what is left.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any
from unittest.mock import patch

from fsm.actions.shell import ShellAction
from fsm.engine.ports import Approval, Journal, Store
from fsm.engine.recovery import Taken, open_run, origin, refold
from fsm.errors import StateUnavailable
from fsm.run import Run
from fsm.run import events as on
from fsm.run.snapshot import restore
from fsm.run.step import StepRecord
from fsm.stores import files
from fsm.stores.jsonl.journal import JsonJournal
from fsm.stores.jsonl.store import JsonStore
from fsm.stores.redis.journal import RedisJournal
from fsm.stores.redis.store import RedisStore
from fsm.stores.sqlite.journal import SqliteJournal
from fsm.stores.sqlite.store import SqliteStore

from .watched import WatchedExecutor

__all__ = ["CONTROLS", "EVERYWHERE", "Control", "Patches"]

Patches = Sequence[AbstractContextManager[object]]
Control = Callable[[], Patches]
CONTROLS: dict[str, Control] = {}
EVERYWHERE = frozenset({"forgets_a_step_when_it_rolls_back"})


def _control(break_it: Control) -> Control:
    CONTROLS[break_it.__name__] = break_it
    return break_it


def _drive_with(executor: type[WatchedExecutor]) -> Patches:
    return [patch("fsm.app.session.Executor", executor)]


@_control
def launches_before_the_intent_is_written() -> Patches:
    class Hasty(WatchedExecutor):
        def commit(self) -> None:
            if not self._launches:
                super().commit()

        def _launch(self, loop: asyncio.AbstractEventLoop) -> None:
            super()._launch(loop)
            loop.call_soon(super().commit)

    return _drive_with(Hasty)


@_control
def acknowledges_before_it_commits() -> Patches:
    """Each append is really written by the next one, and the last by the close."""
    return [
        each
        for kind in (SqliteJournal, JsonJournal, RedisJournal)
        for each in _held_back(kind, kind.append, kind.close)
    ]


@_control
def acknowledges_before_it_commits_as_seen_from_outside() -> Patches:
    return acknowledges_before_it_commits()


@_control
def passes_over_a_disk_that_fails() -> Patches:
    """Whoever cannot write goes on all the same."""

    def passed_over(append: Callable[..., None]) -> Callable[..., None]:
        def go_on(journal: Journal, events: Sequence[on.Event], *, at: float, state: str) -> None:
            with suppress(StateUnavailable):
                append(journal, events, at=at, state=state)

        return go_on

    kinds = (SqliteJournal, JsonJournal)
    return [patch.object(kind, "append", passed_over(kind.append)) for kind in kinds]


def _held_back(kind: type, append: Callable[..., None], close: Callable[..., None]) -> Patches:
    held: list[tuple[Sequence[on.Event], float, str]] = []

    def write(journal: Journal) -> None:
        for events, at, state in held:
            append(journal, events, at=at, state=state)
        held.clear()

    def hold(journal: Journal, events: Sequence[on.Event], *, at: float, state: str) -> None:
        write(journal)
        held.append((tuple(events), at, state))

    def end(journal: Journal) -> None:
        write(journal)
        close(journal)

    return [patch.object(kind, "append", hold), patch.object(kind, "close", end)]


class _Guesses(WatchedExecutor):
    """Knows how the steps ended that it finds in flight, where nobody can know."""

    def record(self, event: on.Event) -> None:
        if not isinstance(event, on.RunnerLost):
            super().record(event)
            return
        self.has_shown = True
        for record in list(self.run.in_flight.values()):
            super().record(self.guess(record))
        if self.run.state == "running":
            super().record(on.RunPaused())
        self.has_shown = False

    def guess(self, record: StepRecord) -> on.Event:
        raise NotImplementedError


@_control
def takes_what_was_lost_as_failed() -> Patches:
    class Pessimist(_Guesses):
        def guess(self, record: StepRecord) -> on.Event:
            if record.state == "running":
                return on.StepFailed(record.id, record.attempt, "the runner died")
            return on.UndoFailed(record.id, record.undo_attempt, "the runner died")

    return _drive_with(Pessimist)


@_control
def takes_what_was_lost_as_completed() -> Patches:
    class Optimist(_Guesses):
        def guess(self, record: StepRecord) -> on.Event:
            if record.state == "running":
                return on.StepCompleted(record.id, record.attempt)
            return on.UndoCompleted(record.id, record.undo_attempt)

    return _drive_with(Optimist)


@_control
def forgets_what_the_shim_saw() -> Patches:
    return [patch.object(ShellAction, "recollect", lambda *_: None)]


@_control
def forgets_a_step_when_it_rolls_back() -> Patches:
    to_undo = Run._to_undo

    def forgetful(run: Run, record: StepRecord) -> None:
        if record.index:
            to_undo(run, record)

    return [patch.object(Run, "_to_undo", forgetful)]


def _take_up_with(change: Callable[[Store, str], Taken]) -> Patches:
    return [patch("fsm.app.session.open_run", change)]


@_control
def forgets_a_completion() -> Patches:
    """Recovery reads the journal only up to the last completion."""

    def change(store: Store, run_id: str) -> Taken:
        stored = store.load(run_id)
        run = Run(refold(stored).plan, run_id)
        events = [record.event for record in stored.records]
        last = max(i for i, event in enumerate(events) if isinstance(event, on.StepCompleted))
        for event in events[:last]:
            run.apply(event)
        return Taken(run, origin(run), 0, last, ())

    return _take_up_with(change)


@_control
def forgets_the_attempts_made() -> Patches:
    def change(store: Store, run_id: str) -> Taken:
        taken = open_run(store, run_id)
        for record in taken.run.steps:
            record.tries = 0
        return taken

    return _take_up_with(change)


@_control
def compensates_again_what_is_undone() -> Patches:
    """Recovery sends every undone step back to where it must be undone."""

    def change(store: Store, run_id: str) -> Taken:
        taken = open_run(store, run_id)
        for record in taken.run.steps:
            if record.state == "rolled_back":
                record.state = "rollback_failed"
                taken.run._to_undo(record)
        return taken

    return _take_up_with(change)


@_control
def forgets_what_follows_a_checkpoint() -> Patches:
    def change(store: Store, run_id: str) -> Taken:
        stored = store.load(run_id, from_checkpoint=True)
        assert stored.checkpoint is not None
        run = restore(refold(store.load(run_id)).plan, run_id, stored.checkpoint.state)
        return Taken(run, origin(run), stored.checkpoint.seq, 0, ())

    return _take_up_with(change)


@_control
def uses_an_approval_up_too_early() -> Patches:
    """Before the run that goes by it: by a commit, a line or a command of its own."""
    use_up, use_up_json, use_up_redis = SqliteStore._use_up, JsonStore._use_up, RedisStore._use_up

    def hasty(
        store: SqliteStore, connection: sqlite3.Connection, approval: Approval, run_id: str
    ) -> Any:
        use_up(store, connection, approval, run_id)
        connection.execute("COMMIT")
        connection.execute("BEGIN IMMEDIATE")

    def hasty_json(store: JsonStore, approval: Approval, runs: Any) -> str:
        seal = use_up_json(store, approval, runs)
        store._approvals.add_use(seal, "a run to come")
        return seal

    def hasty_redis(store: RedisStore, approval: Approval, run_id: str) -> Any:
        name, _, used = use_up_redis(store, approval, run_id)
        key = store.address.key("approvals", approval.digest)
        store._server._client(writing=True).hset(key, name, used)
        return name, used, used

    return [
        patch.object(SqliteStore, "_use_up", hasty),
        patch.object(JsonStore, "_use_up", hasty_json),
        patch.object(RedisStore, "_use_up", hasty_redis),
    ]


@_control
def writes_checkpoints_in_place() -> Patches:
    def keep(folder: Path, seq: int, data: bytes) -> None:
        files.make_folder(folder)
        files.write_new(folder / f"{seq:06}.json", data)

    return [patch("fsm.stores.jsonl.checkpoint_files.keep", keep)]


@_control
def leaves_half_a_line_behind() -> Patches:
    """Who takes a journal up writes on after what a torn write left."""
    return [patch("fsm.stores.jsonl.journal.cut_off", lambda *_: None)]
