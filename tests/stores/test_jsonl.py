"""The folder of JSON lines: who may read it, what it is refused for, what happens if the disk fails."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import resource
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fsm.engine.checkpoint import Checkpoint, encode
from fsm.engine.journal import Record, _hash
from fsm.engine.ports import Approval, RunSummary
from fsm.errors import Damaged, Refused, StateUnavailable
from fsm.run.events import RunStarted, StepFailed, StepStarted
from fsm.stores import JsonStore
from fsm.stores.jsonl import journal as jsonl_journal
from fsm.stores.jsonl.lines import sealed, unsealed

from .conftest import JsonWorld
from .permissions import mode, modes_obeyed, read_only
from .sample import SAMPLES, sample_runs, write_records_as_sampled

CONSENT = Approval("0" * 64, "ann", 1.0, "yes")


@pytest.fixture
def state(tmp_path: Path) -> JsonWorld:
    """A store of JSON lines whose folder does not exist yet."""
    return JsonWorld(tmp_path / ".fsm")


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below the folder, with what it holds."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def keep(journal: Any) -> None:
    """A checkpoint of the state after the journal's last record."""
    journal.keep(encode(Checkpoint(journal.seq, journal.hash, 1.0, "", {"steps": {}})))


# --- what is made, and for whom


@pytest.mark.parametrize("umask", [0, 0o077])
def test_everything_is_for_its_user_alone(state: Any, umask: int) -> None:
    before = os.umask(umask)
    try:
        state.store.approve(CONSENT)
        keep(state.begin())
    finally:
        os.umask(before)
    assert {str(path.relative_to(state.path)): mode(path) for path in state.path.rglob("*")} == {
        ".gitignore": 0o600,
        "approvals.jsonl": 0o600,
        "locks": 0o700,
        "locks/.approvals.lock": 0o600,
        "locks/run-1.lock": 0o600,
        "runs": 0o700,
        "runs/run-1": 0o700,
        "runs/run-1/checkpoints": 0o700,
        "runs/run-1/checkpoints/000001.json": 0o600,
        "runs/run-1/journal.jsonl": 0o600,
        "runs/run-1/plan.json": 0o600,
    }
    assert mode(state.path) == 0o700


def test_every_line_is_json_that_a_person_can_read(state: Any) -> None:
    state.begin().append(
        [StepFailed("build", 1, "exit 2", 0.5, 2, "töö\n")], at=7.5, state="paused"
    )
    lines = state.journal().read_text().splitlines()
    assert "töö\\n" in lines[3]
    header, created, _, failed, concluded = map(json.loads, lines)
    assert (header["fsm"], header["format"], header["plan_name"]) == ("journal", 1, "Plan plan-1")
    assert created["kind"] == "RunCreated"
    assert created["data"] == {"digest": header["digest"], "by": "ann"}
    assert (failed["seq"], failed["at"], failed["data"]["tail"]) == (2, 7.5, "töö\n")
    assert (concluded["line"], concluded["state"], concluded["seq"]) == (5, "paused", 2)


def test_a_journal_only_grows(state: Any) -> None:
    journal = state.begin()
    before = state.journal().read_bytes()
    for turn in range(5):
        journal.append([RunStarted()] * turn, at=2.0, state="running")
        if turn == 3:
            journal.close()
            journal = state.store.acquire("run-1")
        assert state.journal().read_bytes().startswith(before)
        before = state.journal().read_bytes()


def test_data_of_another_store_is_kept_to_the_letter(state: Any, tmp_path: Path) -> None:
    """As objects what is one, as text what is none: the hashes are over the text."""
    state.begin()
    stored = state.store.load("run-1")
    previous, records = stored.summary.digest, []
    for seq, data in enumerate(['{"a" :1}', "{ }", '{"a":\n1}', '"x"', "", '{"', "[1]", "\t"], 1):
        hash_ = _hash(previous, seq, 1, 2.0, 2, 'K"é', data)
        records.append(Record(seq, 1, 2.0, 2, 'K"é', data, hash_))
        previous = hash_
    other = JsonStore(tmp_path / "other")
    other.adopt(replace(stored, records=records))
    assert other.load("run-1").records == records


def test_missing_folders_are_made(tmp_path: Path) -> None:
    JsonStore(tmp_path / "deep" / "down").approve(CONSENT)
    assert [mode(tmp_path / part) for part in ("deep", "deep/down")] == [0o700, 0o700]


def test_reading_makes_nothing(tmp_path: Path) -> None:
    store = JsonStore(tmp_path / ".fsm")
    assert list(store.runs()) == []
    assert list(store.approvals("0" * 64)) == []
    assert store.holder("run-1") is None
    for take in (store.load, store.acquire, store.checkpoints, store.remove):
        with pytest.raises(Refused, match="there is no run run-1"):
            take("run-1")
    store.close()
    assert list(tmp_path.iterdir()) == []


def test_a_refused_run_leaves_nothing(state: Any) -> None:
    state.begin("run-1")
    before = tree(state.path)
    with pytest.raises(Refused):
        state.begin("run-2")
    assert tree(state.path) == before


@pytest.mark.parametrize(("name", "expected"), [(".fsm", True), ("new", True), ("", False)])
def test_only_a_folder_of_its_own_is_kept_out_of_git(
    tmp_path: Path, name: str, expected: bool
) -> None:
    JsonStore(tmp_path / name).approve(CONSENT)
    assert (tmp_path / name / ".gitignore").exists() == expected


@pytest.mark.parametrize("replaced", [False, True])
def test_a_journal_that_is_taken_away_is_noticed_at_the_next_append(
    state: Any, replaced: bool
) -> None:
    journal = state.begin()
    content = state.journal().read_bytes()
    state.journal().unlink()
    if replaced:
        state.journal().write_bytes(content)
    with pytest.raises(StateUnavailable, match="was removed or replaced while run run-1 went on"):
        journal.append([StepStarted("s", 1)], at=1.0, state="running")


def test_a_used_approval_stays_used_when_its_run_is_removed(state: Any) -> None:
    consent = Approval(state.plan()[0], "ann", 5.0, "prompt")
    state.store.approve(consent)
    state.begin("run-1", approval=consent, state="completed").close()
    state.again().remove("run-1")
    assert list(state.again().approvals(consent.digest)) == []
    with pytest.raises(Refused, match="this approval was used by run run-1"):
        state.begin("run-2", approval=consent)
    state.again().approve(consent)
    state.begin("run-2", approval=consent)


# --- what is refused


def refused(store: JsonStore) -> str:
    """The one message with which every method refuses the store's folder."""
    digest = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    summary = RunSummary("run-1", "p", "p", digest, "running", 1.0, 1.0)
    messages = set()
    for ask in (
        store.runs,
        lambda: store.load("run-1"),
        lambda: store.approvals("0" * 64),
        lambda: store.acquire("run-1"),
        lambda: store.create(summary, b"{}", []),
    ):
        with pytest.raises(StateUnavailable) as error:
            ask()
        assert error.value.exit_code == 7
        assert error.value.hint
        messages.add(error.value.message)
    (message,) = messages
    return message


@pytest.mark.parametrize("name", ["runs", "locks", "runs/run-1", "runs/run-1/journal.jsonl"])
def test_a_symbolic_link_is_refused(state: Any, tmp_path: Path, name: str) -> None:
    state.begin().close()
    link = state.path / name
    link.rename(tmp_path / "precious")
    link.symlink_to(tmp_path / "precious")
    before = tree(tmp_path)
    told = f"{link}: is a symbolic link, which is not followed here"
    for ask in (state.store.runs, lambda: state.store.load("run-1")):
        with pytest.raises(StateUnavailable) as error:
            ask()
        assert error.value.message == told
    with pytest.raises(StateUnavailable) as error:
        state.store.acquire("run-1")
    assert error.value.message == told
    assert tree(tmp_path) == before


@pytest.mark.parametrize("name", ["runs/run-1/plan.json", "approvals.jsonl", "locks/run-1.lock"])
def test_a_linked_file_is_refused(state: Any, tmp_path: Path, name: str) -> None:
    state.store.approve(CONSENT)
    state.begin().close()
    link = state.path / name
    link.rename(tmp_path / "precious")
    link.symlink_to(tmp_path / "precious")
    before = (tmp_path / "precious").read_bytes()
    asks: list[Callable[[], Any]] = [lambda: state.store.load("run-1")]
    if name == "approvals.jsonl":
        asks = [lambda: state.store.approvals("0" * 64), lambda: state.store.approve(CONSENT)]
    for ask in asks:
        with pytest.raises(StateUnavailable, match="is a symbolic link, which is not followed"):
            ask()
    assert (tmp_path / "precious").read_bytes() == before


def test_a_linked_checkpoint_is_set_aside(state: Any, tmp_path: Path) -> None:
    journal = state.begin()
    keep(journal)
    path = state.journal().parent / "checkpoints" / "000001.json"
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    stored = state.again().load("run-1", from_checkpoint=True)
    assert (stored.checkpoint, len(stored.warnings)) == (None, 1)


def test_another_users_folder_is_refused(state: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    state.begin().close()
    owner = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    assert "belongs to user" in refused(state.store)


def test_a_folder_that_anybody_may_write_to_is_refused(state: Any) -> None:
    state.begin().close()
    state.path.chmod(0o777)
    assert refused(state.store) == f"{state.path}: may be written to by everybody"


def test_a_file_in_the_place_of_the_folder_is_refused(state: Any) -> None:
    state.path.write_text("no folder")
    assert refused(state.store) == f"{state.path}: is not a folder"
    assert state.path.read_text() == "no folder"


def newer(path: Path) -> None:
    """Make the file one of format 99, sealed as that will be."""
    opening, newline, rest = path.read_bytes().partition(b"\n")
    fields, _ = unsealed(opening, "")
    path.write_bytes(sealed({**fields, "format": 99}, "").encode() + newline + rest)


def test_a_newer_format_is_refused_naming_both(state: Any) -> None:
    state.begin().close()
    newer(state.journal())
    before = tree(state.path)
    assert refused(state.store) == (
        f"{state.journal()} is of format 99, of a newer fsm; this one knows format 1"
    )
    assert tree(state.path) == before


def test_newer_approvals_are_refused_naming_both(state: Any) -> None:
    state.store.approve(CONSENT)
    newer(state.path / "approvals.jsonl")
    for ask in (lambda: state.store.approvals("0" * 64), lambda: state.store.approve(CONSENT)):
        with pytest.raises(StateUnavailable, match=r"approvals\.jsonl is of format 99, of a newer"):
            ask()


# --- a state that cannot be read or written


def test_everything_is_read_in_a_read_only_folder(state: Any, journals: list[Any]) -> None:
    journal = state.begin()
    keep(journal)
    journal.append([StepStarted("a", 1)], at=2.0, state="running")
    journals.pop().close()
    expected = state.store.load("run-1")
    before = tree(state.path)
    with read_only(state.path):
        assert state.again().load("run-1") == expected
        assert len(state.again().load("run-1", from_checkpoint=True).records) == 1
        assert list(state.again().runs()) == [expected.summary]
        assert state.again().holder("run-1") is None
        assert list(state.again().approvals("0" * 64)) == []
    assert tree(state.path) == before


def test_a_read_only_state_is_not_written(state: Any, journals: list[Any]) -> None:
    state.begin(state="completed")
    journals.pop().close()
    before = tree(state.path)
    with read_only(state.path):
        for write in (
            lambda: state.store.acquire("run-1"),
            lambda: state.store.remove("run-1"),
            lambda: state.begin("run-2", alongside=True),
            lambda: state.store.approve(CONSENT),
        ):
            with pytest.raises(StateUnavailable) as error:
                write()
            assert str(state.path) in error.value.message
            assert f"make {state.path} accessible and writable" in error.value.hint
    assert tree(state.path) == before


def test_a_folder_without_permission_is_told(state: Any) -> None:
    state.begin().close()
    state.path.chmod(0)
    try:
        with modes_obeyed(), pytest.raises(StateUnavailable) as error:
            state.store.runs()
    finally:
        state.path.chmod(0o700)
    assert f"{state.path}" in error.value.message
    assert error.value.hint == f"make {state.path} accessible and writable, then try again"


# --- a disk that fails


def lasting(state: Any, fail: Any) -> StateUnavailable:
    """An append onto a disk that fails: refused for good, and nothing recorded is lost."""
    journal = state.begin()
    journal.append([StepStarted("a", 1)], at=2.0, state="running")
    before = state.again().load("run-1")
    with fail(journal), pytest.raises(StateUnavailable) as error:
        journal.append([StepFailed("a", 1, "x" * 100_000)], at=3.0, state="paused")
    with pytest.raises(StateUnavailable, match="may no longer write"):
        journal.append([RunStarted()], at=4.0, state="running")
    assert state.again().load("run-1") == before
    assert state.again().runs()[0] == before.summary
    journal.close()
    state.again().acquire("run-1").append([RunStarted()], at=5.0, state="running")
    assert state.events()[-2:] == [StepStarted("a", 1), RunStarted()]
    return error.value


@contextmanager
def failing(
    monkeypatch: pytest.MonkeyPatch, journal: Any, code: int, *names: str, half: bool = True
) -> Iterator[None]:
    """These calls fail on the journal's file; a write after it wrote a half."""
    broken = journal._fd

    def fail(name: str) -> Callable[..., Any]:
        call = getattr(os, name)

        def failed(fd: int, *arguments: Any) -> Any:
            if fd != broken:
                return call(fd, *arguments)
            if name == "write" and half and len(arguments[0]) > 10_000:
                return call(fd, arguments[0][:5000])
            raise OSError(code, os.strerror(code))

        return failed

    with monkeypatch.context() as patch:
        for name in names:
            patch.setattr(os, name, fail(name))
        yield


@pytest.mark.parametrize("names", [["write"], ["write", "ftruncate"], ["write", "fsync"]])
def test_a_full_disk_loses_nothing_that_was_recorded(
    state: Any, monkeypatch: pytest.MonkeyPatch, names: list[str]
) -> None:
    error = lasting(state, lambda journal: failing(monkeypatch, journal, errno.ENOSPC, *names))
    assert str(error) == (
        f"{state.journal()}: No space left on device\n  free space, then: fsm resume run-1"
    )
    torn = list(state.journal().parent.glob("*.torn"))
    assert len(torn) == ("ftruncate" in names), "a half that could not be taken back is cut off"


def test_a_failed_sync_is_not_tried_again(state: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lines are taken back; whether the disk keeps to that, it does not tell (F19)."""
    error = lasting(state, lambda journal: failing(monkeypatch, journal, errno.EIO, "fsync"))
    assert str(error) == (
        f"{state.journal()}: Input/output error; whether the last events were recorded is not known"
        "\n  look for disk errors (dmesg), then: fsm resume run-1"
    )


def test_what_cannot_be_synced_nor_taken_back_is_told_to_be_unknown(
    state: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = state.begin()
    with (
        failing(monkeypatch, journal, errno.EIO, "fsync", "ftruncate"),
        pytest.raises(StateUnavailable, match="whether the last events were recorded is not known"),
    ):
        journal.append([RunStarted()], at=3.0, state="running")
    assert state.events()[1:] in ([], [RunStarted()])
    journal.close()
    state.store.acquire("run-1").append([StepStarted("a", 1)], at=4.0, state="running")


def test_a_file_that_may_not_grow_loses_nothing(state: Any) -> None:
    @contextmanager
    def limited(journal: Any) -> Iterator[None]:
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        size = state.journal().stat().st_size
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 4096, limits[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    error = lasting(state, limited)
    assert str(error) == (
        f"{state.journal()}: File too large\n  allow larger files (ulimit -f), then: fsm resume run-1"
    )


def test_a_checkpoint_that_cannot_be_written_leaves_the_journal_going(
    state: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = state.begin()
    keep(journal)
    journal.append([RunStarted()], at=2.0, state="running")

    def fail(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(StateUnavailable, match="No space left on device"):
            keep(journal)
    folder = state.journal().parent / "checkpoints"
    assert [path.name for path in folder.iterdir()] == ["000001.json"]
    journal.append([StepStarted("a", 1)], at=3.0, state="running")
    keep(journal)
    assert [kept.seq for kept in state.again().checkpoints("run-1")] == [1, 3]


def test_a_run_comes_into_being_whole_or_not_at_all(
    state: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each sync and rename of it fails once; only after the rename the run is there."""
    consent = Approval(state.plan()[0], "ann", 5.0, "prompt")
    state.store.approve(consent)
    calls = {"fsync": os.fsync, "rename": os.rename}

    def attempt(fatal: int) -> bool:
        count = 0

        def counted(name: str) -> Callable[..., Any]:
            def call(*arguments: Any, **named: Any) -> Any:
                nonlocal count
                count += 1
                if count == fatal:
                    raise OSError(errno.EIO, "Input/output error")
                return calls[name](*arguments, **named)

            return call

        with monkeypatch.context() as patch:
            for name in calls:
                patch.setattr(os, name, counted(name))
            try:
                state.begin("run-1", approval=consent)
            except StateUnavailable:
                return True
        return False

    fatal = 1
    while attempt(fatal) and not state.store.runs():
        assert list(state.store.approvals(consent.digest)) == [consent]
        assert [path.name for path in (state.path / "runs").iterdir()] == []
        assert state.store.holder("run-1") is None
        fatal += 1
    assert fatal >= 4
    assert len(state.events()) == 1
    assert list(state.store.approvals(consent.digest)) == []


def test_what_a_dead_process_left_half_made_is_swept_away(state: Any) -> None:
    state.begin("run-1").close()
    shutil.copytree(state.path / "runs" / "run-1", state.path / "runs" / ".run-2.beef")
    assert len(state.store.runs()) == 1
    state.begin("run-2", "plan-2")
    assert sorted(path.name for path in (state.path / "runs").iterdir()) == ["run-1", "run-2"]


def test_a_journal_that_another_program_locks_is_told(
    state: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jsonl_journal, "BUSY_SECONDS", 0.01)
    journal = state.begin()
    with state.journal().open() as other:
        fcntl.flock(other, fcntl.LOCK_SH)
        with pytest.raises(StateUnavailable) as error:
            journal.append([RunStarted()], at=2.0, state="running")
    assert str(error.value) == (
        f"{state.journal()} is locked by another program for 0.01 seconds\n"
        f"  see which with `fuser {state.journal()}`, end it, then try again"
    )
    assert len(state.events()) == 1


def test_a_head_that_cannot_be_kept_fails_no_append(state: Any) -> None:
    journal = state.begin()
    os.close(journal._lock._fd)
    journal._lock._fd = -1
    journal.append([RunStarted()], at=2.0, state="running")
    assert state.events()[1:] == [RunStarted()]


# --- checkpoints as files


def test_a_damaged_checkpoint_is_set_aside_by_the_next_owner(state: Any) -> None:
    journal = state.begin()
    keep(journal)
    journal.append([RunStarted()], at=2.0, state="running")
    keep(journal)
    journal.close()
    state.rewrite_checkpoint("run-1", 1, lambda data: data[:-9])
    folder = state.journal().parent / "checkpoints"
    (folder / "000099.json").write_bytes((folder / "000002.json").read_bytes())
    (folder / ".000003.json.beef").write_bytes(b"half of o")
    before = tree(folder)
    stored = state.again().load("run-1", from_checkpoint=True)
    assert (stored.checkpoint.seq, len(stored.warnings)) == (2, 1)
    assert tree(folder) == before, "readers change nothing"
    journal = state.again().acquire("run-1")
    journal.append([RunStarted()], at=3.0, state="running")
    keep(journal)
    assert sorted(tree(folder)) == [
        "000001.json.damaged",
        "000002.json",
        "000003.json",
        "000099.json.damaged",
    ]
    assert state.again().load("run-1", from_checkpoint=True).warnings == []
    journal.forget_checkpoints()
    assert tree(folder) == {}


def test_from_a_checkpoint_only_the_end_of_the_file_is_read(
    state: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = state.begin()
    for _ in range(50):
        failed = [StepFailed("a", 1, "x" * 500)] * 50
        journal.append(failed, at=2.0, state="running")
    keep(journal)
    journal.append([RunStarted()], at=3.0, state="running")
    read, pread = 0, os.pread

    def counted(*arguments: Any) -> bytes:
        nonlocal read
        data = pread(*arguments)
        read += len(data)
        return data

    monkeypatch.setattr(os, "pread", counted)
    stored = state.again().load("run-1", from_checkpoint=True)
    assert [record.event for record in stored.records] == [RunStarted()]
    assert state.again().runs()[0] == stored.summary
    assert state.journal().stat().st_size > 1_000_000
    assert read < 100_000


# --- the format


def sample(store: JsonStore) -> dict[str, bytes]:
    """The files of the sample runs, one of them with a checkpoint."""
    sample_runs(store)
    journal = store.acquire("20261121-0002")
    keep(journal)
    journal.close()
    return {
        name: data
        for name, data in tree(store.path).items()
        if name.startswith("runs/") or name == "approvals.jsonl"
    }


def test_the_format_is_that_of_the_sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A change here is a change of the format: a new version, the reading of the old, a new sample."""
    write_records_as_sampled(monkeypatch)
    assert sample(JsonStore(tmp_path / "state")) == tree(SAMPLES / "json-v1")


def test_a_state_that_an_earlier_version_wrote_is_read_and_continued(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(SAMPLES / "json-v1", tmp_path / "old")
    earlier, fresh = JsonStore(tmp_path / "old"), JsonStore(tmp_path / "fresh")
    with monkeypatch.context() as earlier_fsm:
        write_records_as_sampled(earlier_fsm)
        sample(fresh)
    assert earlier.runs() == fresh.runs()
    assert [run.run_id for run in earlier.runs()] == ["20261121-0002", "20261121-0001"]
    for run in earlier.runs():
        for from_checkpoint in (False, True):
            assert earlier.load(run.run_id, from_checkpoint=from_checkpoint) == fresh.load(
                run.run_id, from_checkpoint=from_checkpoint
            )
    assert [each.by for each in earlier.approvals(earlier.runs()[0].digest)] == ["Zoë"]
    assert tree(tmp_path / "old") == tree(SAMPLES / "json-v1")
    journal = earlier.acquire("20261121-0001")
    assert journal.epoch == 3
    journal.append([RunStarted()], at=1763700099.0, state="running")
    assert len(earlier.load("20261121-0001").records) == 5


# --- what is missing


def test_a_missing_plan_is_damage(state: Any) -> None:
    state.begin().close()
    (state.journal().parent / "plan.json").unlink()
    with pytest.raises(Damaged) as damaged:
        state.store.load("run-1")
    assert damaged.value.message == (
        f"{state.journal().parent / 'plan.json'}: the plan of run run-1 is missing"
    )


def test_an_empty_journal_is_damage(state: Any) -> None:
    state.begin().close()
    state.journal().write_bytes(b"")
    assert refused(state.store) == f"{state.journal()} is empty (run run-1)"


def test_a_missing_journal_is_damage(state: Any) -> None:
    state.begin().close()
    state.journal().unlink()
    assert refused(state.store) == f"{state.journal()} is missing (run run-1)"


def test_a_missing_folder_is_damage(state: Any) -> None:
    state.begin().close()
    shutil.rmtree(state.journal().parent)
    for ask in (state.store.runs, lambda: state.store.load("run-1")):
        with pytest.raises(Damaged) as damaged:
            ask()
        assert damaged.value.message == (
            f"{state.journal().parent}: run run-1 is lost: records of it were acknowledged "
            f"({state.lock()})"
        )
    state.lock().unlink()
    assert list(state.store.runs()) == []


def test_a_renamed_run_is_damage(state: Any) -> None:
    state.begin().close()
    state.journal().parent.rename(state.path / "runs" / "run-9")
    state.lock().unlink()
    with pytest.raises(Damaged, match=r"run-9/journal\.jsonl is the journal of run run-1"):
        state.store.runs()


def test_empty_approvals_are_damage(state: Any) -> None:
    state.store.approve(CONSENT)
    (state.path / "approvals.jsonl").write_bytes(b"")
    for ask in (lambda: state.store.approvals("0" * 64), lambda: state.store.approve(CONSENT)):
        with pytest.raises(Damaged, match=r"approvals\.jsonl is empty"):
            ask()
