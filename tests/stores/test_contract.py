"""What every store promises (`fsm.engine.ports`), tried on each; and stores that break it, caught.

Every test is a function of a world, so that a broken store can be fed to it: see the end of the file.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from hashlib import sha1, sha256
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fsm.engine.checkpoint import Checkpoint, encode
from fsm.engine.journal import Record
from fsm.engine.ports import FINAL_STATES, KEPT_CHECKPOINTS, Approval, RunSummary
from fsm.errors import Conflict, Damaged, Held, Refused, StateUnavailable
from fsm.run.events import (
    Event,
    RunCreated,
    RunPaused,
    RunStarted,
    StepCompleted,
    StepFailed,
    StepMarked,
    StepStarted,
)
from fsm.stores import JsonStore, MemoryStore, RedisStore, SqliteStore
from fsm.stores.jsonl.journal import JsonJournal
from fsm.stores.memory import MemoryJournal
from fsm.stores.redis.scripts import ACQUIRE, APPEND, Script
from fsm.stores.redis.url import parse
from fsm.stores.rows import Integrity
from fsm.stores.sqlite.journal import SqliteJournal

STARTED, FAILED = StepStarted("build", 1), StepFailed("build", 1, "exit 2", 0.5, 2, "töö\x00\n")


# --- a run and its journal


def test_a_new_run_is_stored_whole(world: Any) -> None:
    digest, document = world.plan()
    world.begin("run-1", at=1000.25)
    stored = world.again().load("run-1")
    assert stored.document == document
    assert stored.summary == RunSummary(
        "run-1", "plan-1", "Plan plan-1", digest, "running", 1000.25, 1000.25
    )
    assert [(r.seq, r.epoch, r.at, r.event) for r in stored.records] == [
        (1, 1, 1000.25, RunCreated(digest=digest, by="ann"))
    ]


def test_an_append_is_there_when_it_returns(world: Any) -> None:
    journal = world.begin()
    journal.append([STARTED], at=1001.0, state="running")
    journal.append([FAILED, RunPaused("fsm", "")], at=1002.5, state="paused")
    stored = world.again().load("run-1")
    assert [(r.seq, r.at) for r in stored.records][1:] == [(2, 1001.0), (3, 1002.5), (4, 1002.5)]
    assert [r.event for r in stored.records][1:] == [STARTED, FAILED, RunPaused("fsm", "")]
    assert (stored.summary.state, stored.summary.updated_at) == ("paused", 1002.5)
    assert world.again().runs()[0] == stored.summary


UNWRITABLE = StepMarked("s", "done", "ann", object())  # type: ignore[arg-type]


def test_an_append_that_cannot_be_written_records_none_of_its_events(world: Any) -> None:
    journal = world.begin()
    before = world.events()
    with pytest.raises(TypeError):
        journal.append([STARTED, UNWRITABLE], at=1001.0, state="paused")
    assert world.events() == before
    assert world.again().runs()[0].state == "running"


def test_a_journal_that_failed_once_takes_no_more(world: Any) -> None:
    journal = world.begin()
    with pytest.raises(TypeError):
        journal.append([UNWRITABLE], at=1.0, state="running")
    with pytest.raises(StateUnavailable, match="may no longer write the journal of run run-1"):
        journal.append([STARTED], at=1001.0, state="running")
    assert len(world.events()) == 1


def test_a_closed_journal_takes_no_more(world: Any) -> None:
    journal = world.begin()
    journal.close()
    with pytest.raises(StateUnavailable, match="run-1"):
        journal.append([STARTED], at=1001.0, state="running")
    assert len(world.events()) == 1


def test_an_append_of_nothing_changes_the_state_alone(world: Any) -> None:
    journal = world.begin()
    journal.append([], at=1001.0, state="paused")
    journal.append([STARTED], at=1002.0, state="running")
    stored = world.again().load("run-1")
    assert [r.seq for r in stored.records] == [1, 2]
    assert stored.summary.state == "running"


def test_a_run_may_begin_without_events(world: Any) -> None:
    world.begin(events=[]).append([STARTED], at=1.0, state="running")
    assert world.events() == [STARTED]


@pytest.mark.parametrize("at", [0, -0.0, 7, -1.5, 2**53, 1e-300, 1763700000.123456])
def test_every_time_is_read_as_it_was_written(world: Any, at: float) -> None:
    journal = world.begin(at=at)
    journal.append([STARTED], at=at, state="running")
    stored = world.again().load("run-1")
    assert [r.at for r in stored.records] == [at, at]
    assert (stored.summary.created_at, stored.summary.updated_at) == (at, at)
    journal.close()
    world.again().acquire("run-1").append([FAILED], at=at, state="running")
    assert len(world.events()) == 3


def test_a_journal_is_refused_at_a_wrong_position(world: Any) -> None:
    journal = world.begin()
    twin = copy.copy(journal)
    journal.append([STARTED], at=1001.0, state="running")
    with pytest.raises(Conflict, match=r"run run-1 has another journal than this runner wrote"):
        twin.append([FAILED], at=1002.0, state="paused")
    assert world.events()[1:] == [STARTED]
    assert world.again().runs()[0].state == "running"


def test_a_journal_is_refused_after_a_record_that_is_not_its_own(world: Any) -> None:
    journal = world.begin()
    twin = copy.copy(journal)
    journal.append([STARTED], at=1001.0, state="running")
    twin.seq += 1  # as if it had written the record that now stands there
    with pytest.raises(Conflict):
        twin.append([FAILED], at=1002.0, state="paused")
    assert world.events()[1:] == [STARTED]


def test_a_paused_former_owner_cannot_write(world: Any) -> None:
    former = world.begin()
    world.lose_owner("run-1")
    owner = world.again().acquire("run-1")
    with pytest.raises(
        Conflict, match=r"run-1 was taken over by another runner \(epoch 2, this one has 1\)"
    ):
        former.append([FAILED], at=1001.0, state="failed")
    with pytest.raises(StateUnavailable):
        former.append([FAILED], at=1001.0, state="failed")
    owner.append([STARTED], at=1002.0, state="running")
    assert world.events()[1:] == [STARTED]
    assert world.again().runs()[0].state == "running"


def test_a_former_owner_that_closes_does_not_free_the_run(world: Any) -> None:
    former = world.begin()
    world.lose_owner("run-1")
    world.again().acquire("run-1")
    former.close()
    assert world.again().holder("run-1") == os.getpid()


# --- the lock


def test_a_held_run_is_refused_and_its_holder_named(world: Any) -> None:
    world.begin()
    assert world.again().holder("run-1") == os.getpid()
    with pytest.raises(Held) as refused:
        world.again().acquire("run-1")
    assert refused.value.pid == os.getpid()
    assert world.store.holder("run-1") == os.getpid()


def test_a_closed_journal_frees_the_run(world: Any) -> None:
    journal = world.begin()
    journal.close()
    journal.close()
    assert world.again().holder("run-1") is None
    world.again().acquire("run-1")


def test_every_owner_has_an_epoch_of_its_own(world: Any) -> None:
    world.begin().close()
    for epoch in (2, 3, 4):
        journal = world.again().acquire("run-1")
        assert (journal.run_id, journal.epoch) == ("run-1", epoch)
        journal.append([STARTED], at=1001.0, state="running")
        journal.close()
    assert [r.epoch for r in world.again().load("run-1").records] == [1, 2, 3, 4]


def test_of_several_that_take_a_run_one_gets_it(world: Any, together: Any) -> None:
    world.begin().close()
    for _ in range(10):
        results = together(*[lambda: world.again().acquire("run-1")] * 4)
        winners = [each for each in results if not isinstance(each, Exception)]
        assert len(winners) == 1, results
        assert sum(isinstance(each, Held) for each in results) == 3, results
        winners[0].close()


def test_no_one_holds_a_run_that_is_not_there(world: Any) -> None:
    assert [world.store.holder(name) for name in ("run-1", "../run-1", "")] == [None] * 3


# --- which runs there are


def test_runs_come_newest_first_even_if_the_clock_jumped(world: Any) -> None:
    for run_id, at in (("a", 1000.0), ("c", 3000.0), ("b", 2000.0)):
        world.begin(run_id, plan_id=f"plan-{run_id}", at=at)
    assert [run.run_id for run in world.again().runs()] == ["b", "c", "a"]


def test_a_store_without_runs_has_none(world: Any) -> None:
    assert list(world.store.runs()) == []
    assert list(world.store.approvals("0" * 64)) == []
    for take in (world.store.load, world.store.acquire):
        with pytest.raises(Refused, match="there is no run run-1") as refused:
            take("run-1")
        assert refused.value.hint == "begin one with: fsm run FILE"


def test_an_unknown_run_is_refused_with_the_near_names(world: Any) -> None:
    world.begin("20261121-abcd")
    world.begin("zz", "plan-2")
    for take in (world.store.load, world.store.acquire):
        with pytest.raises(Refused, match="there is no run 20261121-abce") as refused:
            take("20261121-abce")
        assert refused.value.hint == "did you mean 20261121-abcd? fsm list shows all"
    with pytest.raises(Refused) as refused:
        world.store.load("nothing like it")
    assert refused.value.hint == "the newest is zz; fsm list shows all"


@pytest.mark.parametrize("name", ["", "../run-1", "run-1\n", "-rf", "r" * 65, "\udcff", "a/b", "é"])
def test_a_name_that_is_unsafe_is_no_run(world: Any, name: str) -> None:
    world.begin().close()
    for take in (world.store.load, world.store.acquire):
        with pytest.raises(Refused):
            take(name)
    with pytest.raises(Refused, match="cannot name a run"):
        world.begin(name, "plan-2")
    assert len(world.store.runs()) == 1


def test_a_run_is_created_once(world: Any) -> None:
    world.begin("run-1", state="completed").close()
    with pytest.raises(Refused, match="there is a run run-1 already"):
        world.begin("run-1", "plan-2")
    assert world.store.load("run-1").summary.plan_id == "plan-1"


def test_a_document_that_is_not_the_digests_is_a_defect(world: Any) -> None:
    summary = RunSummary("run-1", "plan-1", "", "0" * 64, "pending", 1.0, 1.0)
    with pytest.raises(ValueError, match="does not have the run's digest"):
        world.store.create(summary, b"{}", [])
    assert list(world.store.runs()) == []


# --- unfinished runs


def test_a_plan_with_an_unfinished_run_is_refused(world: Any) -> None:
    world.begin("run-1", state="paused").close()
    with pytest.raises(Refused) as refused:
        world.begin("run-2", store=world.again())
    assert refused.value.message == "plan plan-1 has an unfinished run run-1 (paused)"
    assert refused.value.hint == (
        "go on with `fsm resume run-1`, undo it with `fsm rollback run-1`, give it up with "
        "`fsm abort run-1`, or begin another beside it with `--new`"
    )
    assert [run.run_id for run in world.store.runs()] == ["run-1"]
    assert world.store.holder("run-2") is None


def test_a_run_may_begin_beside_an_unfinished_one(world: Any) -> None:
    world.begin("run-1")
    world.begin("run-2", alongside=True).append([STARTED], at=2.0, state="running")
    assert world.events("run-2")[1:] == [STARTED]
    assert len(world.events("run-1")) == 1


@pytest.mark.parametrize("state", sorted(FINAL_STATES))
def test_a_finished_run_is_in_nobodys_way(world: Any, state: str) -> None:
    world.begin("run-1").append([RunStarted()], at=1.0, state=state)
    world.begin("run-2")
    assert [run.run_id for run in world.store.runs()] == ["run-2", "run-1"]


def test_of_two_that_begin_a_plan_one_may(world: Any, together: Any) -> None:
    for turn in range(10):
        plan_id = f"plan-{turn}"
        begin = partial(world.begin, plan_id=plan_id, store=world.again())
        results = together(*[partial(begin, f"run-{turn}-{k}") for k in range(3)])
        refused = [each for each in results if isinstance(each, Refused)]
        assert len(refused) == 2, results
        assert all("has an unfinished run" in each.message for each in refused)
    assert len(world.store.runs()) == 10


# --- approvals


def approval(world: Any, by: str = "ann", at: float = 5.0) -> Approval:
    return Approval(world.plan()[0], by, at, "prompt")


def test_approvals_are_listed_oldest_first_until_used(world: Any) -> None:
    first, second = approval(world), approval(world, "bob", 6.5)
    other = Approval("f" * 64, "cid", 7.0, "yes")
    for each in (first, second, other):
        world.store.approve(each)
    assert list(world.again().approvals(first.digest)) == [first, second]
    world.begin(approval=first)
    assert list(world.again().approvals(first.digest)) == [second]
    assert list(world.again().approvals("f" * 64)) == [other]


def test_an_approval_serves_one_run(world: Any) -> None:
    consent = approval(world)
    world.store.approve(consent)
    world.begin("run-1", approval=consent, state="completed")
    with pytest.raises(Refused) as refused:
        world.begin("run-2", approval=consent, store=world.again())
    assert str(refused.value) == (
        "this approval was used by run run-1; approve again\n  with: fsm approve FILE"
    )
    assert [run.run_id for run in world.store.runs()] == ["run-1"]


def test_two_equal_approvals_serve_two_runs(world: Any) -> None:
    consent = approval(world)
    world.store.approve(consent)
    world.store.approve(consent)
    world.begin("run-1", approval=consent)
    world.begin("run-2", approval=consent, alongside=True)
    assert list(world.store.approvals(consent.digest)) == []


def test_an_approval_that_nobody_recorded_serves_no_run(world: Any) -> None:
    world.store.approve(approval(world))
    with pytest.raises(Refused, match="this approval is not recorded"):
        world.begin(approval=approval(world, "eve"))
    assert list(world.store.runs()) == []


def test_an_approval_of_another_plan_serves_no_run(world: Any) -> None:
    other = Approval("f" * 64, "ann", 5.0, "prompt")
    world.store.approve(other)
    with pytest.raises(Refused, match="the approval is for ffffffffffff, the plan is"):
        world.begin(approval=other)
    assert list(world.store.approvals("f" * 64)) == [other]


def test_a_refused_run_uses_up_no_approval(world: Any) -> None:
    consent = approval(world)
    world.store.approve(consent)
    world.begin("run-1")
    with pytest.raises(Refused, match="unfinished"):
        world.begin("run-2", approval=consent)
    assert list(world.store.approvals(consent.digest)) == [consent]


def test_of_several_that_use_an_approval_one_may(world: Any, together: Any) -> None:
    for turn in range(10):
        consent = approval(world, at=float(turn))
        world.store.approve(consent)
        begin = partial(world.begin, approval=consent, alongside=True, store=world.again())
        results = together(*[partial(begin, f"run-{turn}-{k}") for k in range(3)])
        refused = [each for each in results if isinstance(each, Refused)]
        assert len(refused) == 2, results
        assert all("this approval was used by run" in each.message for each in refused)
    assert len(world.store.runs()) == 10


# --- damage


def flipped(text: str) -> str:
    """The text with one bit of its middle changed."""
    middle = len(text) // 2
    return text[:middle] + chr(ord(text[middle]) ^ 1) + text[middle + 1 :]


def at_record(index: int, **changes: Callable[[Any], Any]) -> Callable[[list[Record]], Any]:
    def change(records: list[Record]) -> list[Record]:
        record = records[index]
        fields = {name: alter(getattr(record, name)) for name, alter in changes.items()}
        records[index] = record._replace(**fields)
        return records

    return change


def swapped(records: list[Record]) -> list[Record]:
    two, three = records[1], records[2]
    records[1], records[2] = three._replace(seq=two.seq), two._replace(seq=three.seq)
    return records


DAMAGE: dict[str, Callable[[list[Record]], Sequence[Record]]] = {
    "a bit of data": at_record(2, data=flipped),
    "a bit of a kind": at_record(2, kind=flipped),
    "a bit of a hash": at_record(1, hash=lambda h: ("1" if h[0] == "0" else "0") + h[1:]),
    "a bit of the last hash": at_record(-1, hash=lambda h: ("1" if h[0] == "0" else "0") + h[1:]),
    "a number": at_record(-1, seq=lambda seq: seq ^ 16),
    "a time": at_record(1, at=lambda at: at + 2.0**-20),
    "an epoch": at_record(1, epoch=lambda epoch: epoch ^ 4),
    "an epoch that falls": at_record(-1, epoch=lambda epoch: epoch - 1),
    "the last record gone": lambda records: records[:-1],
    "the first record gone": lambda records: records[1:],
    "a middle record gone": lambda records: records[:1] + records[2:],
    "a middle record gone, the rest renumbered": lambda records: [
        *records[:1],
        *(r._replace(seq=r.seq - 1) for r in records[2:]),
    ],
    "all records gone": lambda _records: [],
    "two records swapped": swapped,
    "the last record twice": lambda records: [
        *records,
        records[-1]._replace(seq=records[-1].seq + 1),
    ],
}


def four_records(world: Any) -> None:
    world.begin().append([STARTED, FAILED], at=1001.0, state="paused")
    world.lose_owner("run-1")
    world.store.acquire("run-1").append([STARTED], at=1002.0, state="running")


@pytest.mark.parametrize("what", DAMAGE)
def test_a_damaged_journal_is_refused(world: Any, what: str) -> None:
    four_records(world)
    world.rewrite("run-1", DAMAGE[what])
    with pytest.raises(Damaged, match="run-1") as damaged:
        world.again().load("run-1")
    assert damaged.value.hint


def test_a_swapped_plan_is_refused(world: Any) -> None:
    four_records(world)
    document = world.plan()[1]
    world.rewrite_plan("run-1", document=document.replace(b"plan-1", b"plan-2"))
    with pytest.raises(Damaged, match="the plan of run run-1 is not as it was written"):
        world.again().load("run-1")


def test_an_altered_digest_is_refused(world: Any) -> None:
    four_records(world)
    digest = world.plan()[0]
    world.rewrite_plan("run-1", digest=("1" if digest[0] == "0" else "0") + digest[1:])
    with pytest.raises(Damaged, match="run-1"):
        world.again().load("run-1")


def test_an_untouched_journal_is_not_refused(world: Any) -> None:
    four_records(world)
    world.rewrite("run-1", lambda records: records)
    assert world.events()[1:] == [STARTED, FAILED, STARTED]


def test_a_swapped_version_is_refused(world: Any) -> None:
    four_records(world)
    world.rewrite("run-1", at_record(1, version=lambda version: version - 1))
    with pytest.raises(Damaged, match=r"record 2 \(StepStarted\) was altered"):
        world.again().load("run-1")


# --- checkpoints


def at_head(journal: Any, **steps: Any) -> bytes:
    """A checkpoint of the state after the journal's last record."""
    return encode(
        Checkpoint(journal.seq, journal.hash, 5.0, "build", {"state": "?", "steps": steps})
    )


def test_a_run_is_loaded_from_its_newest_checkpoint(world: Any) -> None:
    journal = world.begin()
    journal.keep(at_head(journal))
    journal.append([STARTED], at=1001.0, state="running")
    journal.keep(at_head(journal, build={"state": "running", "tail": "töö\n"}))
    journal.append([FAILED], at=1002.0, state="paused")
    stored = world.again().load("run-1", from_checkpoint=True)
    assert (stored.checkpoint.seq, stored.checkpoint.before) == (2, "build")
    assert stored.checkpoint.state["steps"] == {"build": {"state": "running", "tail": "töö\n"}}
    assert [(r.seq, r.event) for r in stored.records] == [(3, FAILED)]
    assert stored.warnings == []
    whole = world.again().load("run-1")
    assert (whole.checkpoint, len(whole.records)) == (None, 3)
    assert (whole.summary, whole.document) == (stored.summary, stored.document)


def test_a_run_without_a_checkpoint_is_loaded_whole(world: Any) -> None:
    world.begin()
    stored = world.again().load("run-1", from_checkpoint=True)
    assert (stored.checkpoint, len(stored.records), list(stored.warnings)) == (None, 1, [])
    assert list(world.again().checkpoints("run-1")) == []


def test_a_checkpoint_at_the_end_leaves_nothing_to_replay(world: Any) -> None:
    journal = world.begin()
    journal.keep(at_head(journal))
    stored = world.again().load("run-1", from_checkpoint=True)
    assert (stored.checkpoint.seq, list(stored.records)) == (1, [])


def test_a_damaged_checkpoint_is_set_aside_for_the_one_before(world: Any) -> None:
    journal = world.begin()
    journal.keep(at_head(journal))
    journal.append([STARTED], at=1001.0, state="running")
    journal.keep(data := at_head(journal))
    for damaged in (data[:-1], b"", flip_middle(data), data + b" ", b"\xff" * 200):
        world.rewrite_checkpoint("run-1", 2, lambda _, damaged=damaged: damaged)
        stored = world.again().load("run-1", from_checkpoint=True)
        assert stored.checkpoint.seq == 1
        assert [r.event for r in stored.records] == [STARTED]
        assert len(stored.warnings) == 1
        assert stored.warnings[0].startswith("checkpoint 2 of run run-1 is set aside: ")
        assert [kept.seq for kept in world.again().checkpoints("run-1")] == [1]
    world.rewrite_checkpoint("run-1", 1, flip_middle)
    stored = world.again().load("run-1", from_checkpoint=True)
    assert (stored.checkpoint, len(stored.records), len(stored.warnings)) == (None, 2, 2)


def flip_middle(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


def test_a_checkpoint_of_another_journal_is_set_aside(world: Any) -> None:
    journal = world.begin()
    foreign = Checkpoint(journal.seq, "ab" * 32, 5.0, "", {"state": "?", "steps": {}})
    journal.keep(encode(foreign))
    stored = world.again().load("run-1", from_checkpoint=True)
    assert stored.checkpoint is None
    assert list(stored.warnings) == [
        "checkpoint 1 of run run-1 is set aside: it is not of this journal"
    ]


@pytest.mark.parametrize("what", sorted(DAMAGE.keys() - {"all records gone"}))
def test_damage_after_a_checkpoint_is_refused(world: Any, what: str) -> None:
    four_records(world)
    world.lose_owner("run-1")
    journal = world.store.acquire("run-1")
    journal.keep(at_head(journal))
    journal.append([FAILED, STARTED, FAILED, STARTED], at=1003.0, state="running")
    world.rewrite("run-1", lambda records: records[:4] + list(DAMAGE[what](records[4:])))
    with pytest.raises(Damaged, match="run-1"):
        world.again().load("run-1", from_checkpoint=True)


def test_the_newest_checkpoints_are_kept(world: Any) -> None:
    journal = world.begin()
    for number in range(KEPT_CHECKPOINTS + 3):
        journal.append([STARTED], at=1001.0 + number, state="running")
        journal.keep(at_head(journal))
    kept = [checkpoint.seq for checkpoint in world.again().checkpoints("run-1")]
    assert kept == list(range(5, KEPT_CHECKPOINTS + 5))
    journal.forget_checkpoints()
    assert list(world.again().checkpoints("run-1")) == []
    assert len(world.events()) == KEPT_CHECKPOINTS + 4


def test_checkpoints_of_two_runs_are_apart(world: Any) -> None:
    one, two = world.begin("run-1", "plan-1"), world.begin("run-2", "plan-2")
    for journal in (one, two):
        journal.keep(at_head(journal))
    one.forget_checkpoints()
    assert [len(world.again().checkpoints(run)) for run in ("run-1", "run-2")] == [0, 1]


def test_a_closed_journal_keeps_no_checkpoint(world: Any) -> None:
    journal = world.begin()
    data = at_head(journal)
    journal.close()
    with pytest.raises(StateUnavailable):
        journal.keep(data)


def test_there_are_no_checkpoints_of_a_run_that_is_not_there(world: Any) -> None:
    with pytest.raises(Refused, match="there is no run run-1"):
        world.store.checkpoints("run-1")


# --- runs that go and come


def test_a_finished_run_is_removed_whole(world: Any) -> None:
    journal = world.begin("run-1")
    journal.keep(at_head(journal))
    journal.append([STARTED], at=1001.0, state="completed")
    journal.close()
    world.begin("run-2").close()
    world.again().remove("run-1")
    assert [run.run_id for run in world.again().runs()] == ["run-2"]
    with pytest.raises(Refused, match="there is no run run-1"):
        world.again().load("run-1")
    assert len(world.again().load("run-2").records) == 1, "its plan was kept for the other run"
    again = world.begin("run-1", alongside=True)
    assert (again.epoch, len(world.events("run-1"))) == (1, 1)
    assert list(world.again().checkpoints("run-1")) == []


def test_a_run_that_somebody_has_is_not_removed(world: Any) -> None:
    world.begin("run-1", state="completed")
    with pytest.raises(Held):
        world.store.remove("run-1")
    assert len(world.events()) == 1


def test_an_unfinished_run_is_not_removed(world: Any) -> None:
    world.begin("run-1", state="paused").close()
    with pytest.raises(Refused, match="run run-1 is paused: only what has ended can be removed"):
        world.store.remove("run-1")
    assert len(world.events()) == 1


def test_an_unfinished_run_whose_journal_is_damaged_is_removed_if_that_is_said(world: Any) -> None:
    four_records(world)
    world.lose_owner("run-1")
    world.begin("run-2", alongside=True).close()
    world.rewrite("run-1", DAMAGE["a bit of data"])
    with pytest.raises(Refused, match="only what has ended can be removed"):
        world.again().remove("run-1")
    world.again().remove("run-1", damaged=True)
    assert [run.run_id for run in world.again().runs()] == ["run-2"]
    assert world.again().load("run-2").records
    with pytest.raises(Refused, match="there is no run run-1"):
        world.again().load("run-1")


def test_a_damaged_run_that_somebody_has_is_not_removed(world: Any) -> None:
    world.begin("run-1")
    with pytest.raises(Held):
        world.again().remove("run-1", damaged=True)


def test_a_run_that_is_not_there_is_not_removed(world: Any) -> None:
    world.begin("run-1").close()
    with pytest.raises(Refused, match="there is no run run-2"):
        world.store.remove("run-2")


def test_a_run_is_taken_over_from_another_store_as_it_is(world: Any) -> None:
    four_records(world)
    world.lose_owner("run-1")
    stored = world.again().load("run-1")
    other = world.elsewhere()
    other.adopt(stored)
    assert other.load("run-1") == stored
    assert list(other.runs()) == [stored.summary]
    with pytest.raises(Refused, match="there is a run run-1 already"):
        other.adopt(stored)
    journal = other.acquire("run-1")
    assert journal.epoch == 3
    journal.append([FAILED], at=1003.0, state="paused")
    assert len(other.load("run-1").records) == 5
    assert other.holder("run-1") is not None


def test_a_run_that_was_altered_on_its_way_is_not_taken_over(world: Any) -> None:
    four_records(world)
    stored = world.again().load("run-1")
    altered = (
        replace(stored, records=stored.records[:2] + stored.records[3:]),
        replace(stored, records=[stored.records[0]._replace(at=1.0), *stored.records[1:]]),
        replace(stored, document=stored.document + b" "),
    )
    for each in altered:
        other = world.elsewhere()
        with pytest.raises(Damaged, match="run-1"):
            other.adopt(each)
        assert list(other.runs()) == []


def test_an_unfinished_run_is_not_taken_over_beside_another_of_its_plan(world: Any) -> None:
    four_records(world)
    stored = world.again().load("run-1")
    other = world.elsewhere()
    other.adopt(stored)
    twin = replace(stored, summary=replace(stored.summary, run_id="run-2"))
    with pytest.raises(Refused, match="has an unfinished run run-1"):
        other.adopt(twin)
    other.adopt(twin, alongside=True)
    assert [run.run_id for run in other.runs()] == ["run-2", "run-1"]


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
events = st.one_of(
    st.builds(StepMarked, texts, st.sampled_from(["done", "undone"]), texts, texts),
    st.builds(
        StepCompleted,
        texts,
        st.integers(1, 2**31),
        st.floats(0, 1e9),
        st.dictionaries(texts, texts | st.integers() | st.booleans(), max_size=3),
    ),
)


@settings(deadline=None)
@given(batches=st.lists(st.lists(events, max_size=4), max_size=4), at=st.floats(-1e12, 1e12))
def test_what_was_appended_is_what_is_read(
    tmp_path_factory: pytest.TempPathFactory,
    valkey: Any,
    batches: list[list[Event]],
    at: float,
) -> None:
    document = b"{}"
    digest = sha256(document).hexdigest()
    folder = tmp_path_factory.mktemp("any")
    address = parse(f"{valkey.url}?prefix={os.urandom(6).hex()}")
    stores: Sequence[Any] = (
        SqliteStore(folder / "state.db"),
        JsonStore(folder / "state"),
        MemoryStore(),
        RedisStore(address, folder),
    )
    for store in stores:
        journal = store.create(
            RunSummary("r", "p", "P\x00", digest, "running", at, at), document, []
        )
        for batch in batches:
            journal.append(batch, at=at, state="running")
        journal.close()
        stored = store.load("r")
        assert [record.event for record in stored.records] == [e for b in batches for e in b]
        assert stored.summary == RunSummary("r", "p", "P\x00", digest, "running", at, at)
        store.close()


# --- broken stores, caught by the tests above


def caught(test: Callable[..., None], *arguments: Any) -> bool:
    """Whether the test fails as a test should."""
    try:
        test(*arguments)
    except (AssertionError, pytest.fail.Exception):
        return True
    return False


class Careless(SqliteJournal):
    """Writes on without looking where the journal is."""

    __slots__ = ()

    def _advance(self, at: float, state: str, seq: int, hash_: str, checksum: str) -> bool:
        self._connection.execute(
            "UPDATE runs SET updated_at = ?, state = ?, seq = ?, hash = ?, checksum = ?",
            (at, state, seq, hash_, checksum),
        )
        self._connection.execute("DELETE FROM records WHERE place & 0xFFFFFFFF >= ?", (seq,))
        return True


class CarelessJson(JsonJournal):
    __slots__ = ()

    def _in_place(self) -> bool:
        return True


class CarelessInMemory(MemoryJournal):
    __slots__ = ()

    def _in_place(self) -> bool:
        return True


OVERWRITE = """
local kept = redis.call('XRANGE', KEYS[3], '-', ARGV[2] .. '-0')
redis.call('DEL', KEYS[3])
for _, entry in ipairs(kept) do redis.call('XADD', KEYS[3], entry[1], unpack(entry[2])) end
"""


def without(script: Script, *changes: tuple[str, str]) -> Script:
    """The script with pieces of it replaced."""
    text = script.text
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return Script(text, sha1(text.encode()).hexdigest())


@pytest.fixture
def careless(world: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    compare = "row[1] ~= ARGV[1] or row[2] ~= ARGV[2] or row[3] ~= ARGV[3]"
    monkeypatch.setattr(
        "fsm.stores.redis.journal.APPEND",
        without(APPEND, (compare, "false"), ("local journal,", f"{OVERWRITE}local journal,")),
    )
    monkeypatch.setattr("fsm.stores.sqlite.store.SqliteJournal", Careless)
    monkeypatch.setattr("fsm.stores.jsonl.store.JsonJournal", CarelessJson)
    monkeypatch.setattr("fsm.stores.memory.MemoryJournal", CarelessInMemory)
    return world


def test_a_store_that_does_not_compare_the_position_is_caught(careless: Any) -> None:
    assert caught(test_a_journal_is_refused_at_a_wrong_position, careless)


def test_a_store_that_does_not_compare_the_epoch_is_caught(careless: Any) -> None:
    assert caught(test_a_paused_former_owner_cannot_write, careless)


def test_a_store_that_does_not_lock_is_caught(
    world: Any, together: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fsm.stores.lock._lock_exclusively", lambda _fd: True)
    monkeypatch.setattr("fsm.stores.lock._stands", lambda _fd, _path: True)
    lockless = without(ACQUIRE, ("if holder and", "if false and"))
    monkeypatch.setattr("fsm.stores.redis.store.ACQUIRE", lockless)
    if isinstance(world.store, MemoryStore):
        acquire = world.store.acquire

        def take(run_id: str) -> Any:
            world.store._runs[run_id].owner = None
            return acquire(run_id)

        monkeypatch.setattr(world.store, "acquire", take)
    assert caught(test_a_held_run_is_refused_and_its_holder_named, world)


@pytest.mark.parametrize("what", DAMAGE)
def test_a_store_that_does_not_verify_is_caught(
    world: Any, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("rows", "jsonl.store", "memory"):
        monkeypatch.setattr(f"fsm.stores.{module}.verify", lambda *_: None)
    monkeypatch.setattr(Integrity, "verify", lambda *_: None)
    monkeypatch.setattr(JsonStore, "_verify", lambda *_: None)
    monkeypatch.setattr("fsm.stores.memory._verify_end", lambda *_: None)
    assert caught(test_a_damaged_journal_is_refused, world, what)


def test_a_store_that_forgets_who_used_an_approval_is_caught(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing = (b"", b"", b"") if isinstance(world.store, RedisStore) else None
    monkeypatch.setattr(type(world.store), "_use_up", lambda *_: nothing)
    assert caught(test_an_approval_serves_one_run, world)


def test_a_store_that_overlooks_unfinished_runs_is_caught(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("refusals", "redis.store"):  # the server looks for itself
        monkeypatch.setattr(f"fsm.stores.{module}.FINAL_STATES", FINAL_STATES | {"paused"})
    assert caught(test_a_plan_with_an_unfinished_run_is_refused, world)
