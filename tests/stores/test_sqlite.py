"""The file itself: who may read it, what it is refused for, and what happens when the disk says no."""

from __future__ import annotations

import os
import resource
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from fsm.engine.checkpoint import Checkpoint, encode
from fsm.engine.ports import Approval, RunSummary, StoredRun
from fsm.errors import Damaged, Refused, StateUnavailable
from fsm.run.events import RunCreated, RunStarted, StepFailed, StepStarted
from fsm.stores import SqliteStore
from fsm.stores.sqlite import database

from .permissions import mode, modes_obeyed, read_only
from .sample import SAMPLES, sample_runs, write_records_as_sampled

# --- what is made, and for whom


@pytest.mark.parametrize("umask", [0, 0o077])
def test_everything_is_for_its_user_alone(state: Any, umask: int) -> None:
    before = os.umask(umask)
    try:
        state.begin()
    finally:
        os.umask(before)
    folder = state.path.parent
    assert {path.name: mode(path) for path in folder.rglob("*")} == {
        ".gitignore": 0o600,
        "state.db": 0o600,
        "state.db-wal": 0o600,
        "state.db-shm": 0o600,
        "state.db-locks": 0o700,
        "run-1.lock": 0o600,
    }
    assert mode(folder) == 0o700


def test_missing_folders_are_made(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "deep" / "down" / "state.db")
    store.approve(Approval("0" * 64, "ann", 1.0, "yes"))
    assert [mode(tmp_path / part) for part in ("deep", "deep/down")] == [0o700, 0o700]


def test_a_path_with_unusual_characters_is_that_path(tmp_path: Path) -> None:
    name = os.fsdecode("a?b#c %41 ü".encode() + b"\xff")
    store = SqliteStore(tmp_path / name / "state?mode=memory.db")
    store.approve(Approval("0" * 64, "ann", 1.0, "yes"))
    assert (tmp_path / name / "state?mode=memory.db").is_file()
    assert len(store.approvals("0" * 64)) == 1


def test_reading_makes_nothing(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / ".fsm" / "state.db")
    assert list(store.runs()) == []
    assert list(store.approvals("0" * 64)) == []
    assert store.holder("run-1") is None
    for take in (store.load, store.acquire):
        with pytest.raises(Refused, match="there is no run run-1"):
            take("run-1")
    store.close()
    assert list(tmp_path.iterdir()) == []


def test_a_refused_run_leaves_no_lock(state: Any) -> None:
    state.begin("run-1")
    with pytest.raises(Refused):
        state.begin("run-2")
    assert [path.name for path in state.locks.iterdir()] == ["run-1.lock"]


def test_the_log_is_merged_when_the_last_writer_closes(state: Any) -> None:
    state.begin().close()
    assert sorted(path.name for path in state.path.parent.iterdir()) == [
        ".gitignore",
        "state.db",
        "state.db-locks",
    ]


def test_the_state_stays_out_of_git(state: Any) -> None:
    state.begin().close()
    assert (state.path.parent / ".gitignore").read_text() == "*\n"


def test_a_folder_that_was_there_before_is_not_kept_out_of_git(tmp_path: Path) -> None:
    SqliteStore(tmp_path / "state.db").approve(Approval("0" * 64, "ann", 1.0, "yes"))
    assert not (tmp_path / ".gitignore").exists()


@pytest.mark.parametrize("replaced", [False, True])
def test_a_database_that_is_taken_away_is_noticed_at_the_next_append(
    state: Any, replaced: bool
) -> None:
    """`git reset --hard` over a state that was committed: the open file is no longer the path's."""
    journal = state.begin()
    content = state.path.read_bytes()
    state.path.unlink()
    if replaced:
        state.path.write_bytes(content)
    with pytest.raises(StateUnavailable, match="was removed or replaced while run run-1 went on"):
        journal.append([StepStarted("s", 1)], at=1.0, state="running")


def test_a_commit_waits_for_the_disk(state: Any) -> None:
    connection = state.begin()._connection
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA foreign_keys").fetchone() == (1,)


# --- what is refused


def refused(store: SqliteStore) -> str:
    """The one message with which every method refuses the store's file."""
    approval = Approval("0" * 64, "ann", 1.0, "yes")
    digest = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    summary = RunSummary("run-1", "p", "p", digest, "running", 1.0, 1.0)
    messages = set()
    for ask in (
        store.runs,
        lambda: store.load("run-1"),
        lambda: store.approvals("0" * 64),
        lambda: store.acquire("run-1"),
        lambda: store.approve(approval),
        lambda: store.create(summary, b"{}", []),
    ):
        with pytest.raises(StateUnavailable) as error:
            ask()
        assert error.value.exit_code == 7
        assert error.value.hint
        messages.add(error.value.message)
    (message,) = messages
    return message


@pytest.mark.parametrize("name", ["state.db", "state.db-wal", "state.db-shm", "state.db-journal"])
def test_a_symbolic_link_is_refused(state: Any, tmp_path: Path, name: str) -> None:
    state.begin().close()
    link = state.path.with_name(name)
    precious = tmp_path / "precious"
    if link.exists():
        link.rename(precious)
    else:
        precious.write_bytes(b"precious")
    before = precious.read_bytes()
    link.symlink_to(precious)
    assert refused(state.store) == f"{link}: is a symbolic link, which is not followed here"
    assert precious.read_bytes() == before


def test_a_dangling_link_makes_no_file(state: Any, tmp_path: Path) -> None:
    state.path.parent.mkdir()
    state.path.symlink_to(tmp_path / "planted")
    assert "is a symbolic link" in refused(state.store)
    assert not (tmp_path / "planted").exists()


def test_a_linked_lock_is_refused(state: Any, tmp_path: Path) -> None:
    state.begin().close()
    state.lock().rename(tmp_path / "planted")
    state.lock().symlink_to(tmp_path / "planted")
    for ask in (state.store.holder, state.store.load, state.store.acquire):
        with pytest.raises(StateUnavailable, match=r"run-1\.lock: is a symbolic link"):
            ask("run-1")


def test_another_users_file_is_refused(state: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    state.begin().close()
    owner = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    state.path.parent.chmod(0o700)
    assert "belongs to user" in refused(state.store)


def test_a_folder_that_anybody_may_write_to_is_refused(state: Any) -> None:
    state.begin().close()
    state.path.parent.chmod(0o777)
    assert refused(state.store) == f"{state.path.parent}: may be written to by everybody"
    state.path.parent.chmod(0o1777)
    assert len(state.store.runs()) == 1


def test_a_fresh_file_in_a_folder_that_anybody_may_write_to_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with pytest.raises(StateUnavailable, match="may be written to by everybody"):
        SqliteStore(tmp_path / "state.db").approve(Approval("0" * 64, "ann", 1.0, "yes"))
    assert list(tmp_path.iterdir()) == []


def test_a_newer_format_is_refused_naming_both(state: Any) -> None:
    state.begin().close()
    state.sql("PRAGMA user_version=99")
    assert refused(state.store) == (
        f"{state.path} is of format 99, of a newer fsm; this one knows format 2"
    )


def test_a_format_that_never_was_is_refused(state: Any) -> None:
    state.begin().close()
    state.sql("PRAGMA user_version=0")
    assert refused(state.store) == f"{state.path} is of format 0, which no fsm has written"


def foreign(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE cookies (name TEXT)")
    connection.close()


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda path: path.touch(), " is no state of fsm: it is empty"),
        (foreign, " is no state of fsm: it is a database of another program"),
        (lambda path: path.write_bytes(b"hello" * 999), " is damaged: file is not a database"),
        (lambda path: path.mkdir(), ": is not a file"),
        (lambda path: os.mkfifo(path), ": is not a file"),
    ],
    ids=["empty", "foreign", "garbage", "folder", "pipe"],
)
def test_what_is_no_state_is_refused_and_left_alone(
    state: Any, make: Callable[[Path], None], told: str
) -> None:
    state.path.parent.mkdir()
    make(state.path)
    before = state.path.read_bytes() if state.path.is_file() else b""
    assert refused(state.store) == f"{state.path}{told}"
    assert (state.path.read_bytes() if state.path.is_file() else b"") == before


def test_a_file_in_the_place_of_the_folder_is_refused(state: Any) -> None:
    state.path.parent.write_text("no folder")
    with pytest.raises(StateUnavailable, match="Not a directory"):
        state.store.runs()
    with pytest.raises(StateUnavailable):
        state.begin()


# --- a state that cannot be written


def test_status_works_in_a_read_only_folder(state: Any, journals: list[Any]) -> None:
    state.begin().append([StepStarted("a", 1)], at=2.0, state="running")
    journals.pop().close()
    expected = state.store.load("run-1")
    for leftover in ("state.db-wal", "state.db-shm"):
        state.path.with_name(leftover).unlink(missing_ok=True)
    before = sorted(path.name for path in state.path.parent.rglob("*"))
    with read_only(state.path.parent):
        assert state.again().load("run-1") == expected
        assert list(state.again().runs()) == [expected.summary]
        assert state.again().holder("run-1") is None
        assert list(state.again().approvals("0" * 64)) == []
    assert sorted(path.name for path in state.path.parent.rglob("*")) == before


def test_status_works_in_a_read_only_folder_with_a_log_to_merge(state: Any, worker: Any) -> None:
    child = worker()
    child.ask("create", "run-1", "plan-1")
    child.ask("append", "in-the-log")
    child.kill()
    assert state.path.with_name("state.db-wal").stat().st_size > 0
    with read_only(state.path.parent):
        assert len(state.again().load("run-1").records) == 2


def test_a_log_that_cannot_be_merged_is_never_passed_over(state: Any, worker: Any) -> None:
    """Without its shared memory SQLite cannot read the log in place; the file alone is not true."""
    child = worker()
    child.ask("create", "run-1", "plan-1")
    child.ask("append", "in-the-log")
    child.kill()
    state.path.with_name("state.db-shm").unlink()
    with read_only(state.path.parent), pytest.raises(StateUnavailable) as error:
        state.again().load("run-1")
    assert str(error.value) == (
        f"{state.path}: cannot be read in a read-only folder, its log is not merged\n"
        f"  copy {state.path.parent} to where you may write, and name the copy with --state"
    )
    assert len(state.again().load("run-1").records) == 2


def test_a_read_only_state_is_not_written(state: Any, journals: list[Any]) -> None:
    state.begin()
    journals.pop().close()
    with read_only(state.path.parent):
        for write in (
            lambda: state.store.acquire("run-1"),
            lambda: state.begin("run-2", alongside=True),
            lambda: state.store.approve(Approval("0" * 64, "ann", 1.0, "yes")),
        ):
            with pytest.raises(StateUnavailable) as error:
                write()
            assert str(state.path) in error.value.message
            assert f"make {state.path.parent} writable for you" in error.value.hint
    assert len(state.store.runs()) == 1
    state.store.acquire("run-1").append([RunStarted()], at=3.0, state="running")


def test_a_folder_without_permission_is_told(state: Any) -> None:
    state.begin().close()
    state.path.parent.chmod(0)
    try:
        with modes_obeyed(), pytest.raises(StateUnavailable) as error:
            state.store.runs()
    finally:
        state.path.parent.chmod(0o700)
    assert str(error.value) == (
        f"{state.path}: Permission denied\n"
        f"  make {state.path.parent} accessible and writable, then try again"
    )


# --- a disk that fails


def lasting(
    state: Any, journal: Any, break_disk: Callable[[], None], mend: Callable[[], None]
) -> Any:
    """An append onto a disk that fails: refused for good, and nothing recorded is lost."""
    journal.append([StepStarted("a", 1)], at=2.0, state="running")
    before = state.again().load("run-1")
    break_disk()
    try:
        with pytest.raises(StateUnavailable) as error:
            journal.append([StepFailed("a", 1, "x" * 100_000)], at=3.0, state="paused")
    finally:
        mend()
    with pytest.raises(StateUnavailable, match="may no longer write"):
        journal.append([RunStarted()], at=4.0, state="running")
    assert state.again().load("run-1") == before
    journal.close()
    state.again().acquire("run-1").append([RunStarted()], at=5.0, state="running")
    assert state.events()[-2:] == [StepStarted("a", 1), RunStarted()]
    return error.value


def test_a_full_disk_loses_nothing_that_was_recorded(state: Any) -> None:
    journal = state.begin()

    def fill() -> None:
        journal._connection.execute("PRAGMA max_page_count=1")

    error = lasting(state, journal, fill, lambda: None)
    assert str(error) == (
        f"{state.path}: database or disk is full\n  free space, then: fsm resume run-1"
    )


def test_a_failed_commit_is_not_tried_again(state: Any) -> None:
    """The log may grow no more, so that the commit itself is what fails (F19)."""
    journal = state.begin()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill() -> None:
        size = state.path.with_name("state.db-wal").stat().st_size
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 4096, limits[1]))

    error = lasting(state, journal, fill, lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limits))
    assert error.message == (
        f"{state.path}: disk I/O error; whether the last events were recorded is not known"
    )
    assert error.hint == "look for disk errors and free space (dmesg, df), then: fsm resume run-1"


def test_an_append_that_fails_midway_records_nothing(state: Any) -> None:
    journal = state.begin()
    state.sql(
        "CREATE TRIGGER midway BEFORE INSERT ON records WHEN NEW.kind = 'StepFailed'"
        " BEGIN SELECT RAISE(FAIL, 'no'); END"
    )
    with pytest.raises(StateUnavailable, match=r": no\n.*; then: fsm resume run-1$"):
        journal.append(
            [StepStarted("a", 1), StepFailed("a", 1, "no"), RunStarted()], at=2.0, state="paused"
        )
    stored = state.again().load("run-1")
    assert [type(record.event) for record in stored.records] == [RunCreated]
    assert stored.summary.state == "running"


def test_a_database_that_another_program_locks_is_told(
    state: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.01)
    journal = state.begin()
    other = sqlite3.connect(state.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(StateUnavailable) as error:
            journal.append([RunStarted()], at=2.0, state="running")
    finally:
        other.close()
    assert str(error.value) == (
        f"{state.path}: database is locked by another program for 0.01 seconds\n"
        f"  see which with `fuser {state.path}`, end it, then: fsm resume run-1"
    )
    assert len(state.events()) == 1


def test_a_head_that_cannot_be_kept_fails_no_append(state: Any) -> None:
    journal = state.begin()
    os.close(journal._lock._fd)
    journal._lock._fd = -1
    journal.append([RunStarted()], at=2.0, state="running")
    assert state.events()[1:] == [RunStarted()]


def test_a_power_cut_that_took_the_head_is_no_damage(state: Any) -> None:
    journal = state.begin()
    older = state.lock().read_bytes()
    journal.append([RunStarted()], at=2.0, state="running")
    journal.close()
    state.lock().write_bytes(older)
    assert len(state.events()) == 2
    state.store.acquire("run-1").close()
    assert len(state.events()) == 2


def test_a_head_of_another_history_is_damage(state: Any) -> None:
    journal = state.begin()
    journal.append([RunStarted()], at=2.0, state="running")
    journal._lock.note(1, "ab" * 32)
    with pytest.raises(Damaged, match="record 1 of run run-1 is not the one that was written"):
        state.again().load("run-1")


# --- the format


def dump(path: Path) -> str:
    connection = sqlite3.connect(path)
    try:
        numbers = [
            f"PRAGMA {name}={connection.execute(f'PRAGMA {name}').fetchone()[0]};"
            for name in ("application_id", "user_version")
        ]
        return "\n".join([*numbers, *connection.iterdump()]) + "\n"
    finally:
        connection.close()


def test_the_format_is_that_of_the_sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A change here is a change of the format: a new version, a migration and a new sample."""
    write_records_as_sampled(monkeypatch)
    sample_runs(SqliteStore(tmp_path / "state.db"))
    assert dump(tmp_path / "state.db") == (SAMPLES / "v2.sql").read_text()


@pytest.fixture(params=[1, 2])
def earlier(request: pytest.FixtureRequest, tmp_path: Path) -> SqliteStore:
    """The state that a version of fsm wrote, in each format that there has been."""
    path = tmp_path / "state.db"
    path.touch(0o600)
    connection = sqlite3.connect(path)
    connection.executescript((SAMPLES / f"v{request.param}.sql").read_text())
    connection.close()
    return SqliteStore(path)


def same_but_for_versions(one: StoredRun, other: StoredRun) -> bool:
    def told(stored: StoredRun) -> object:
        records = [(r.seq, r.epoch, r.at, r.event) for r in stored.records]
        return stored.summary, stored.document, records

    return told(one) == told(other)


def test_a_state_that_an_earlier_version_wrote_is_read_as_it_stands(
    earlier: SqliteStore, tmp_path: Path
) -> None:
    before = earlier.path.read_bytes()
    fresh = SqliteStore(tmp_path / "fresh.db")
    sample_runs(fresh)
    assert earlier.runs() == fresh.runs()
    assert [run.run_id for run in earlier.runs()] == ["20261121-0002", "20261121-0001"]
    for run in earlier.runs():
        for from_checkpoint in (False, True):
            stored = earlier.load(run.run_id, from_checkpoint=from_checkpoint)
            assert same_but_for_versions(stored, fresh.load(run.run_id))
        assert list(earlier.checkpoints(run.run_id)) == []
    assert [each.by for each in earlier.approvals(earlier.runs()[0].digest)] == ["Zoë"]
    assert earlier.path.read_bytes() == before


def test_a_state_that_an_earlier_version_wrote_is_continued_after_a_copy_was_kept(
    earlier: SqliteStore, tmp_path: Path
) -> None:
    store, version = earlier, dump(earlier.path).partition("user_version=")[2][0]
    before = dump(earlier.path)
    twin = SqliteStore(earlier.path)
    journal = store.acquire("20261121-0001")
    assert journal.epoch == 3
    journal.append([RunStarted()], at=1763700099.0, state="running")
    assert len(store.load("20261121-0001").records) == 5
    assert twin.load("20261121-0001").records[-1].event == RunStarted()
    journal.keep(encode(Checkpoint(journal.seq, journal.hash, 1.0, "", {"steps": {}})))
    journal.close()
    again = store.acquire("20261121-0001")
    again.append([RunStarted()], at=1763700100.0, state="running")
    assert [r.seq for r in store.load("20261121-0001", from_checkpoint=True).records] == [6]
    copies = list(earlier.path.parent.glob("*.bak"))
    if version == "2":
        assert copies == []
    else:
        assert [copy.name for copy in copies] == [f"state.db.v{version}.bak"]
        assert mode(copies[0]) == 0o600
        assert dump(copies[0]) == before
        assert schema(earlier.path) == schema_of_now(tmp_path)


def schema(path: Path) -> dict[str, set[tuple[object, ...]]]:
    """The columns of each table, whatever their order."""
    with closing(sqlite3.connect(path)) as connection:
        tables = connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table'"
        ).fetchall()
        return {
            table: {
                (name, kind, notnull, key)
                for _, name, kind, notnull, _, key in connection.execute(
                    f"PRAGMA table_info({table})"
                )
            }
            for (table,) in tables
        }


def schema_of_now(folder: Path) -> dict[str, set[tuple[object, ...]]]:
    SqliteStore(folder / "now.db").approve(Approval("0" * 64, "ann", 1.0, "yes"))
    return schema(folder / "now.db")
