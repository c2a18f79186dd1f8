"""Checkpoints that the executor keeps, and opening a run from one instead of from its whole journal."""

from __future__ import annotations

import asyncio
from hashlib import sha256
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fsm.engine.checkpoint import VERSION, Checkpoint, decode, encode
from fsm.engine.ports import Failed, RunSummary
from fsm.engine.recovery import open_run, refold
from fsm.errors import Damaged, StateUnavailable
from fsm.plan.model import Plan, Step
from fsm.plan.stored import READERS
from fsm.run import Run
from fsm.run import events as on
from fsm.run.snapshot import outline, restore, snapshot
from fsm.stores import MemoryStore
from fsm.stores.memory import MemoryJournal
from tests.run.stories import Story, essence

from .test_versions import SAMPLES, stored
from .world import Scripted, Started, plan, started, step


def stopped_at(last: str) -> Scripted:
    return Scripted(lambda task: Failed("no", 1) if task.step_id == last else None)


def kept(it: Started) -> list[Checkpoint]:
    return list(it.store.checkpoints("run-1"))


def test_one_is_kept_every_so_many_events(tmp_path: Path) -> None:
    of = plan(*(step(name) for name in "abcdef"), checkpoint_interval=4)
    it = started(of, stopped_at("f"), tmp_path)
    asyncio.run(it.executor.drive())
    assert it.run.state == "paused"
    # One event, then two at a time, after the four that begin a run: the fifth has come with the third write.
    assert [each.seq for each in kept(it)] == [9, 13]
    assert {each.before for each in kept(it)} == {""}


def test_without_an_interval_a_short_run_keeps_none(tmp_path: Path) -> None:
    it = started(plan(*(step(name) for name in "abc")), stopped_at("c"), tmp_path)
    asyncio.run(it.executor.drive())
    assert kept(it) == []


def test_a_step_that_asks_for_one_has_it_just_before_it_starts(tmp_path: Path) -> None:
    of = plan(step("a"), step("b", "a", checkpoint=True), step("c", "b"))
    it = started(of, stopped_at("c"), tmp_path)
    asyncio.run(it.executor.drive())
    [checkpoint] = kept(it)
    assert checkpoint.before == "b"
    kinds = [record.kind for record in it.store.load("run-1").records]
    assert kinds[checkpoint.seq - 1 : checkpoint.seq + 1] == ["StepCompleted", "StepStarted"]


def test_they_are_cleared_when_the_run_has_ended(tmp_path: Path) -> None:
    it = started(plan(step("a", checkpoint=True), step("b", checkpoint=True)), Scripted(), tmp_path)
    asyncio.run(it.executor.drive())
    assert it.run.state == "completed"
    assert kept(it) == []


def test_one_that_cannot_be_kept_or_cleared_only_warns(tmp_path: Path) -> None:
    it = started(plan(step("a", checkpoint=True), step("b", "a")), Scripted(), tmp_path)
    warned: list[str] = []

    class Full(MemoryJournal):
        __slots__ = ()

        def keep(self, checkpoint: bytes) -> None:
            raise StateUnavailable("the disk is full", "free space")

        def forget_checkpoints(self) -> None:
            raise StateUnavailable("the disk is full", "free space")

    it.executor._journal.__class__ = Full  # type: ignore[misc]
    it.executor._world.__dict__["warn"] = warned.append
    asyncio.run(it.executor.drive())
    assert it.run.state == "completed"
    assert warned == [
        "checkpoint 4 could not be kept: the disk is full",
        "the checkpoints of a run that has ended remain: the disk is full",
    ]


@settings(deadline=None, max_examples=50)
@given(seed=st.integers(0, 2**32), data=st.data())
def test_from_any_checkpoint_it_is_the_run_that_the_whole_journal_tells(
    seed: int, data: st.DataObject
) -> None:
    store, events = _story(seed)
    cut = data.draw(st.integers(1, len(events)))
    run = Run.fold(*_events_to(store, events, cut))
    _keep(store, cut, run)
    taken = open_run(store, "run-1")
    assert (taken.checkpoint, taken.replayed) == (cut, len(events) - cut)
    assert taken.warnings == []
    assert essence(taken.run, 1e12) == essence(refold(store.load("run-1")), 1e12)
    assert taken.run.commands(1e12) == refold(store.load("run-1")).commands(1e12)


@settings(deadline=None, max_examples=50)
@given(seed=st.integers(0, 2**32), data=st.data())
def test_a_damaged_one_is_set_aside_with_a_warning_and_the_whole_journal_read(
    seed: int, data: st.DataObject
) -> None:
    store, events = _story(seed)
    run = Run.fold(*_events_to(store, events, len(events)))
    whole = _keep(store, len(events), run)
    damaged = bytearray(whole)
    at = data.draw(st.integers(0, len(damaged) - 1))
    damaged[at] ^= 1 << data.draw(st.integers(0, 6))
    store._runs["run-1"].checkpoints[len(events)] = bytes(damaged)
    taken = open_run(store, "run-1")
    assert (taken.checkpoint, taken.replayed) == (0, len(events))
    [warning] = taken.warnings
    assert warning.startswith(f"checkpoint {len(events)} of run run-1 is set aside: ")
    assert essence(taken.run, 1e12) == essence(run, 1e12)


def test_a_plan_that_an_older_version_cannot_read_is_refused_before_anything_is_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its checkpoint would let the steps before the one that cannot be read run."""
    of = plan(step("a"), step("b", idempotent=True))
    store, events = MemoryStore(), [on.RunCreated(of.digest)]
    summary = RunSummary("run-1", of.id, of.name, of.digest, "pending", 0.0, 0.0)
    store.create(summary, of.document, events).close()
    _keep(store, 1, Run.fold(of, events, "run-1"))
    assert open_run(store, "run-1").checkpoint == 1
    older = {key: read for key, read in READERS[Step].items() if key != "idempotent"}
    monkeypatch.setitem(READERS, Step, older)  # type: ignore[arg-type]
    monkeypatch.setattr("fsm.run.snapshot.shape_of_steps", lambda: "of an older version")
    with pytest.raises(Damaged, match="cannot be read by this version: `steps`: item 2"):
        open_run(store, "run-1")


def _story(seed: int) -> tuple[MemoryStore, list[object]]:
    """A store with the journal of a random story."""
    story = Story(Random(seed))
    story.begin()
    story.go(25)
    store, of = MemoryStore(), story.plan
    events = [each for each in story.sim.journal if not isinstance(each, on.RunCreated)]
    events.insert(0, on.RunCreated(of.digest))
    summary = RunSummary("run-1", of.id, of.name, of.digest, "running", 0.0, 0.0)
    store.create(summary, of.document, events).close()
    return store, events  # type: ignore[return-value]


def _events_to(store: MemoryStore, events: list[object], cut: int) -> tuple[object, ...]:
    return Plan.from_document(store.load("run-1").document), events[:cut], "run-1"


def _keep(store: MemoryStore, seq: int, run: Run) -> bytes:
    record = store.load("run-1").records[seq - 1]
    data = encode(Checkpoint(seq, record.hash, 0.0, "", snapshot(run)))
    store._runs["run-1"].checkpoints[seq] = data
    return data


@pytest.mark.parametrize("version", range(1, VERSION + 1))
def test_a_checkpoint_of_each_version_leads_to_its_run(version: int) -> None:
    old = stored(2)
    state = decode((SAMPLES / f"checkpoint-v{version}.json").read_bytes()).state
    run = restore(Plan.from_document(old.document, outline(state)), "run-1", state)
    assert essence(run, 1e12) == essence(refold(old), 1e12)


def test_what_is_written_is_of_the_newest_version() -> None:
    newest = (SAMPLES / f"checkpoint-v{VERSION}.json").read_bytes()
    assert encode(decode(newest)) == newest


def test_one_of_a_newer_version_is_refused_in_words() -> None:
    data = (SAMPLES / f"checkpoint-v{VERSION}.json").read_bytes()
    body = data.replace(b'{"version":2', b'{"version":9')[: -len(',\n"sha256":""}\n') - 64]
    seal = f',\n"sha256":"{sha256(body).hexdigest()}"}}\n'
    with pytest.raises(ValueError, match=f"it is of version 9, and {VERSION} is known here"):
        decode(body + seal.encode())
