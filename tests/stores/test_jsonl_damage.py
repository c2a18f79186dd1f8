"""Wherever the JSON lines are cut off or a bit of them flips: nothing acknowledged is lost unseen."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from fsm.engine.checkpoint import Checkpoint, encode
from fsm.engine.ports import Approval, RunSummary
from fsm.errors import Damaged
from fsm.run.events import Event, RunCreated, RunPaused, RunStarted, StepFailed, StepStarted
from fsm.stores import JsonStore
from fsm.stores.jsonl import journal_file
from fsm.stores.jsonl.journal_file import JournalFile

from .conftest import JsonWorld

PLAN = b'{"id":"a","steps":["' + b"x" * 2000 + b'"]}'
DIGEST = sha256(PLAN).hexdigest()
LAST: list[Event] = [StepFailed("s", 1, "tö\n", 0.5, 2, "}\n{"), RunPaused("fsm", ""), RunStarted()]


@pytest.fixture
def state(tmp_path: Path) -> JsonWorld:
    return JsonWorld(tmp_path / ".fsm")


# --- cut off


def two_batches(state: Any) -> tuple[Any, bytes, bytes]:
    """A run, the bytes that were acknowledged of it, and those of a last batch."""
    journal = state.begin()
    journal.append([StepStarted("s", 1)], at=2.0, state="running")
    before, head = state.journal().read_bytes(), state.lock().read_bytes()
    earlier = state.again().load("run-1")
    journal.append(LAST, at=3.0, state="paused")
    journal.close()
    whole = state.journal().read_bytes()
    assert whole.startswith(before)
    state.lock().write_bytes(head)  # as if the writer had died before it acknowledged the batch
    return earlier, before, whole[len(before) :]


def test_a_write_that_is_torn_at_any_byte_is_none(state: Any) -> None:
    earlier, before, batch = two_batches(state)
    assert batch.count(b"\n") == len(LAST) + 1
    for length in reversed(range(len(batch))):
        os.truncate(state.journal(), len(before) + length)
        assert state.again().load("run-1") == earlier
        assert list(state.again().runs()) == [earlier.summary]
    state.journal().write_bytes(before + batch)
    assert [record.event for record in state.again().load("run-1").records][2:] == LAST
    assert state.again().runs()[0].state == "paused"


@pytest.mark.parametrize("places", [range(1), range(1, 100), range(100, 2000, 13)])
def test_the_next_owner_cuts_a_torn_write_off_and_keeps_a_copy(state: Any, places: range) -> None:
    earlier, before, batch = two_batches(state)
    lock = state.lock().read_bytes()
    for length in [place for place in places if place < len(batch)]:
        state.journal().write_bytes(before + batch[:length])
        state.lock().write_bytes(lock)
        journal = state.again().acquire("run-1")
        journal.append([RunStarted()], at=4.0, state="running")
        journal.close()
        records = state.again().load("run-1").records
        assert [*records[:2], records[2].event] == [*earlier.records, RunStarted()]
        assert state.journal().read_bytes().startswith(before)
        kept = list(state.journal().parent.glob("*.torn"))
        assert [path.read_bytes() for path in kept] == [batch[:length]] * bool(length)
        for path in kept:
            path.unlink()


def test_a_batch_that_was_acknowledged_and_is_cut_off_at_any_byte_is_damage(state: Any) -> None:
    journal = state.begin()
    before = state.journal().stat().st_size
    journal.append(LAST, at=3.0, state="paused")
    journal.close()
    whole = state.journal().read_bytes()
    for length in reversed(range(before, len(whole))):
        os.truncate(state.journal(), length)
        with pytest.raises(Damaged) as damaged:
            state.again().load("run-1")
        assert damaged.value.message == (
            f"{state.journal()}: records of run run-1 are lost: they were acknowledged up to line 7 "
            f"({state.lock()})"
        )
        with pytest.raises(Damaged, match="acknowledged up to line 7"):
            state.again().acquire("run-1")
        assert state.journal().stat().st_size == length
    state.lock().unlink()
    state.again().acquire("run-1").append([RunStarted()], at=4.0, state="running")
    assert len(state.events()) == 2


def test_a_damaged_run_can_be_put_aside_as_its_error_says(state: Any) -> None:
    for run_id in ("run-1", "run-2"):
        state.begin(run_id, plan_id=run_id).close()
    state.journal().write_bytes(b"")
    with pytest.raises(Damaged) as damaged:
        state.again().runs()
    folder, lock = state.journal().parent, state.lock()
    assert f"move {folder} elsewhere and remove {lock}" in damaged.value.hint
    folder.rename(state.path.parent / "aside")
    lock.unlink()
    assert [run.run_id for run in state.again().runs()] == ["run-2"]


def test_a_state_that_was_acknowledged_without_a_record_is_missed_too(state: Any) -> None:
    journal = state.begin()
    before = state.journal().read_bytes()
    journal.append([], at=3.0, state="paused")
    journal.close()
    state.journal().write_bytes(before)
    with pytest.raises(Damaged, match="acknowledged up to line 4"):
        state.again().load("run-1")


def test_a_journal_cut_off_in_its_first_lines_is_damage(state: Any) -> None:
    state.begin().close()
    state.lock().unlink()  # not even the lock file is needed: a run comes into being whole
    whole = state.journal().read_bytes()
    for length in reversed(range(len(whole))):
        os.truncate(state.journal(), length)
        for ask in (state.again().runs, lambda: state.again().load("run-1")):
            with pytest.raises(Damaged, match="run-1"):
                ask()
        with pytest.raises(Damaged, match="run-1"):
            state.again().acquire("run-1")


def test_a_power_cut_that_leaves_zeros_is_a_torn_write(state: Any) -> None:
    earlier, before, batch = two_batches(state)
    for length in range(0, len(batch), 50):
        state.journal().write_bytes(before + batch[:length] + bytes(len(batch) - length))
        assert state.again().load("run-1") == earlier


def two_approvals(state: Any) -> tuple[list[Approval], int, bytes, Path]:
    """Two approvals, where the second's line begins, the file's bytes, and what notes its newest line."""
    given = [Approval(DIGEST, by, 1.0, "prompt") for by in ("ann", "Zoë")]
    path = state.path / "approvals.jsonl"
    state.store.approve(given[0])
    begin = path.stat().st_size
    state.store.approve(given[1])
    return given, begin, path.read_bytes(), state.path / "locks" / ".approvals.lock"


def test_an_approval_that_is_torn_at_any_byte_is_none(state: Any) -> None:
    (first, second), begin, whole, noted = two_approvals(state)
    path = state.path / "approvals.jsonl"
    noted.unlink()  # as if the machine had stopped before the second was acknowledged
    for length in reversed(range(begin, len(whole))):
        os.truncate(path, length)
        assert list(state.store.approvals(DIGEST)) == [first]
    for length in range(begin, len(whole), 15):
        path.write_bytes(whole[:length])
        noted.unlink(missing_ok=True)
        state.store.approve(second)
        assert list(state.store.approvals(DIGEST)) == [first, second]
        assert path.read_bytes() == whole
        torn = list(state.path.glob("*.torn"))
        assert len(torn) == (length > begin)
        for copy in torn:
            copy.unlink()


def test_an_approval_that_was_acknowledged_and_is_cut_off_at_any_byte_is_damage(state: Any) -> None:
    (first, second), begin, whole, noted = two_approvals(state)
    path = state.path / "approvals.jsonl"
    for length in reversed(range(begin, len(whole))):
        os.truncate(path, length)
        for ask in (lambda: state.store.approvals(DIGEST), lambda: state.store.approve(second)):
            with pytest.raises(Damaged) as damaged:
                ask()
            assert damaged.value.message == (
                f"{path}: approvals are lost: they were acknowledged up to line 3 ({noted})"
            )
            assert str(noted) in damaged.value.hint
        assert path.stat().st_size == length
    path.unlink()
    with pytest.raises(Damaged, match="approvals are lost"):
        state.store.approvals(DIGEST)
    path.write_bytes(whole[:begin])
    noted.unlink()
    assert list(state.store.approvals(DIGEST)) == [first]


def test_approvals_of_another_history_are_damage(state: Any) -> None:
    (first, _), _, _, noted = two_approvals(state)
    told = noted.read_bytes()
    path = state.path / "approvals.jsonl"
    path.unlink()
    noted.unlink()
    for _ in range(2):
        state.store.approve(first)
    noted.write_bytes(told)
    with pytest.raises(Damaged, match="has another line 3 than was written"):
        state.store.approvals(DIGEST)


def test_an_approval_does_not_serve_again_when_the_note_of_its_use_is_lost(state: Any) -> None:
    """Its run was removed, so that only the last line of the file told of it."""
    approval = Approval(DIGEST, "ann", 1.0, "prompt")
    state.store.approve(approval)
    path = state.path / "approvals.jsonl"
    unused = path.read_bytes()
    run = RunSummary("run-1", "plan", "A plan", DIGEST, "completed", 1.0, 2.0)
    state.store.create(run, PLAN, [RunCreated(DIGEST)], approval=approval).close()
    state.store.remove("run-1")
    assert list(state.store.approvals(DIGEST)) == []
    path.write_bytes(unused)
    with pytest.raises(Damaged, match="approvals are lost"):
        state.store.approvals(DIGEST)


def test_a_reader_beside_an_owner_that_cuts_off_reads_again(
    state: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it sees first is half of the torn write, and half of what the next owner wrote there."""
    earlier, before, batch = two_batches(state)
    size = len(before) + 200
    torn, later = before + batch[:300], before + batch
    state.journal().write_bytes(torn)
    bytes_of = journal_file._bytes
    mixtures = [torn[:size] + b"}\n" + later[size:]]

    def mixed(fd: int, place: int, most: int = 1 << 40) -> bytes:
        if most < 1 << 40 or not mixtures:
            return bytes_of(fd, place, most)
        return mixtures.pop()[place:]

    monkeypatch.setattr(journal_file, "_bytes", mixed)
    assert state.again().load("run-1") == earlier
    assert not mixtures


# --- flipped


@dataclass
class Content:
    """All that a store tells, but what warnings say."""

    runs: list[RunSummary]
    stored: list[Any]
    approvals: set[Approval]


def content(path: Path) -> Content:
    opened = JsonStore(path)
    return Content(
        list(opened.runs()),
        [opened.load(f"run-{number}") for number in range(2)],
        set(opened.approvals(DIGEST)),
    )


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs with checkpoints, one taken over, and three approvals of which one is used."""
    path = tmp_path_factory.mktemp("whole") / ".fsm"
    store = JsonStore(path)
    for number in range(3):
        store.approve(Approval(DIGEST, f"user {number}", float(number), "prompt"))
    for number in range(2):
        journal = store.create(
            RunSummary(f"run-{number}", f"plan-{number}", "A plan", DIGEST, "running", 1.0, 2.0),
            PLAN,
            [RunCreated(digest=DIGEST)],
            approval=None if number else store.approvals(DIGEST)[0],
        )
        for turn in range(6):
            started, failed = StepStarted("s", turn), StepFailed("s", turn, "no " * turn)
            journal.append([started, failed], at=10.0 + turn, state="running")
            if turn == 3:
                snapshot = {"steps": {"s": {"state": "failed"}}}
                journal.keep(encode(Checkpoint(journal.seq, journal.hash, 1.0, "s", snapshot)))
            if turn == 4:
                journal.close()
                journal = store.acquire(f"run-{number}")
        journal.close()
    return path


@pytest.fixture(scope="module")
def good(whole: Path) -> Content:
    return content(whole)


@pytest.fixture(scope="module")
def copied(whole: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """Makes a fresh copy of the store in a place of its own; each replaces the one before."""
    folder = tmp_path_factory.mktemp("copies") / ".fsm"

    def copy() -> Path:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(whole, folder)
        return folder

    return copy


def flip(path: Path, bit: int) -> None:
    with path.open("r+b") as file:
        file.seek(bit // 8)
        (byte,) = file.read(1)
        file.seek(bit // 8)
        file.write(bytes([byte ^ 1 << bit % 8]))


def check(path: Path, good: Content) -> bool:
    """Whether the damage is told; if not, nothing is other than it was."""
    try:
        read = content(path)
    except Damaged as error:
        told = error
    else:
        assert read == good
        return False
    assert told.hint
    assert str(path) in told.message
    return True


def test_a_copy_tells_the_same(copied: Callable[[], Path], good: Content) -> None:
    assert not check(copied(), good)
    assert len(good.approvals) == 2


@pytest.mark.parametrize(
    ("name", "times"),
    [
        ("runs/run-0/journal.jsonl", 700),
        ("runs/run-1/journal.jsonl", 300),
        ("runs/run-1/plan.json", 50),
    ],
)
def test_every_flipped_bit_of_a_journal_and_a_plan_is_told(
    copied: Callable[[], Path], good: Content, name: str, times: int
) -> None:
    path, chosen = copied(), random.Random(1)
    whole = (path / name).read_bytes()
    last = range(len(whole) * 8 - 8, len(whole) * 8)
    bits = {*last, *chosen.sample(range(len(whole) * 8), times)}
    for bit in bits:
        flip(path / name, bit)
        assert check(path, good), f"bit {bit} of {name} went unseen"
        flip(path / name, bit)
    assert not check(path, good)


def test_every_flipped_bit_of_the_approvals_is_told(
    copied: Callable[[], Path], good: Content
) -> None:
    path = copied() / "approvals.jsonl"
    whole = path.read_bytes()
    for bit in {*random.Random(1).sample(range(len(whole) * 8), 400), len(whole) * 8 - 2}:
        flip(path, bit)
        assert check(path.parent, good), f"bit {bit} went unseen"
        flip(path, bit)


def test_every_flipped_bit_of_a_checkpoint_sets_it_aside(copied: Callable[[], Path]) -> None:
    store = JsonStore(copied())
    path = store.path / "runs" / "run-1" / "checkpoints" / "000009.json"
    whole = path.read_bytes()
    expected = store.load("run-1", from_checkpoint=True)
    assert expected.checkpoint is not None
    for bit in random.Random(1).sample(range(len(whole) * 8), 400):
        flip(path, bit)
        stored = store.load("run-1", from_checkpoint=True)
        assert (stored.checkpoint, len(stored.warnings), len(stored.records)) == (None, 1, 13)
        flip(path, bit)
    assert store.load("run-1", from_checkpoint=True) == expected


def test_no_flipped_bit_after_a_checkpoint_goes_unseen(copied: Callable[[], Path]) -> None:
    """Read from the checkpoint: what stands before it is not looked at, what follows is all verified."""
    store = JsonStore(copied())
    path = store.path / "runs" / "run-1" / "journal.jsonl"
    whole = path.read_bytes()
    expected = store.load("run-1", from_checkpoint=True)
    after = whole.index(b'\n{"seq":10,') * 8
    for bit in random.Random(1).sample(range(len(whole) * 8), 400):
        flip(path, bit)
        try:
            assert store.load("run-1", from_checkpoint=True) == expected
            assert bit < after, f"bit {bit} went unseen"
        except Damaged:
            pass
        flip(path, bit)


@pytest.mark.parametrize("which", ["verify", "verify_lines", "compare"])
def test_each_check_is_needed(
    copied: Callable[[], Path], good: Content, monkeypatch: pytest.MonkeyPatch, which: str
) -> None:
    """The control: without one of the checks some damage is not told."""
    damages: dict[str, Callable[[list[bytes]], list[bytes]]] = {
        "verify": lambda lines: [line.replace(b'"no "', b'"oh "') for line in lines],
        "verify_lines": lambda lines: [line for line in lines if b'{"line":6,' not in line],
        "compare": lambda lines: lines[:-3],
    }
    path = copied()
    journal = path / "runs" / "run-0" / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    changed = damages[which](lines)
    assert changed != lines
    journal.write_bytes(b"".join(changed))
    assert check(path, good)
    if which == "verify":
        monkeypatch.setattr("fsm.stores.jsonl.store.verify", lambda *_: None)
    else:
        monkeypatch.setattr(JournalFile, which, lambda *_: None)
    with pytest.raises(AssertionError):
        assert check(path, good)


def test_an_older_copy_of_a_journal_is_seen(copied: Callable[[], Path], good: Content) -> None:
    """A backup put back beside the lock files of later work: records are missing (F16)."""
    path = copied()
    file = path / "runs" / "run-1" / "journal.jsonl"
    backup = file.read_bytes()
    journal = JsonStore(path).acquire("run-1")
    journal.append([StepStarted("later", 1)], at=99.0, state="running")
    journal.close()
    file.write_bytes(backup)
    for take in (JsonStore(path).load, JsonStore(path).acquire):
        with pytest.raises(Damaged, match="records of run run-1 are lost"):
            take("run-1")
    (path / "locks" / "run-1.lock").unlink()
    assert not check(path, good)


def test_a_head_of_another_history_is_damage(state: Any) -> None:
    journal = state.begin()
    journal.append([RunStarted()], at=2.0, state="running")
    journal._lock.note(3, "ab" * 32)
    with pytest.raises(Damaged, match="has another line 3 than was written"):
        state.again().load("run-1")


def test_a_power_cut_that_took_the_head_is_no_damage(state: Any) -> None:
    journal = state.begin()
    older = state.lock().read_bytes()
    journal.append([RunStarted()], at=2.0, state="running")
    journal.close()
    state.lock().write_bytes(older)
    assert len(state.events()) == 2
    state.store.acquire("run-1").close()
    assert len(state.events()) == 2
