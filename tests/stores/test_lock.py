"""The lock of a run: one holder, found out without disturbing it, gone with its process."""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fsm.errors import Held
from fsm.stores import lock
from fsm.stores.lock import Head, RunLock, heads, holder, read_head

HASH = "ab" * 32


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def asker(folder: Path) -> Iterator[int]:
    """A process that asks who has the run, stopped in the moment that it asks."""
    fd = os.open(folder / "run.lock", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(fd, fcntl.LOCK_SH)
    yield fd
    os.close(fd)


def test_an_asker_keeps_no_writer_out(
    folder: Path, asker: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []

    def wait(seconds: float) -> None:
        waited.append(seconds)
        fcntl.flock(asker, fcntl.LOCK_UN)

    monkeypatch.setattr(lock.time, "sleep", wait)
    taken = RunLock.take(folder, "run")
    assert waited
    assert holder(folder, "run") == os.getpid()
    taken.release()


def test_a_lock_that_takes_askers_for_writers_is_caught(
    folder: Path, asker: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "_lock_exclusively", lambda fd: lock._try(fd, fcntl.LOCK_EX))
    with pytest.raises(Held):
        test_an_asker_keeps_no_writer_out(folder, asker, monkeypatch)


def test_an_asker_that_was_stopped_for_seconds_is_told_apart(
    folder: Path, asker: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "_PATIENCE_SECONDS", 0.0)
    with pytest.raises(Held) as held:
        RunLock.take(folder, "run")
    assert held.value.pid == 0


def test_many_askers_and_one_writer_never_refuse_each_other(folder: Path) -> None:
    done = threading.Event()
    seen: set[int | None] = set()

    def ask() -> None:
        while not done.is_set():
            seen.add(holder(folder, "run"))

    askers = [threading.Thread(target=ask) for _ in range(3)]
    for each in askers:
        each.start()
    try:
        for _ in range(300):
            RunLock.take(folder, "run").release()
    finally:
        done.set()
        for each in askers:
            each.join()
    assert seen <= {None, 0, os.getpid()}
    assert holder(folder, "run") is None


def test_asking_writes_nothing(folder: Path) -> None:
    assert holder(folder / "none", "run") is None
    assert holder(folder, "run") is None
    assert list(folder.iterdir()) == []


def test_a_lock_file_that_was_unlinked_is_taken_anew(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unlinked: list[int] = []
    take = lock._lock_exclusively

    def tidied_up(fd: int) -> bool:
        if not unlinked:
            (folder / "run.lock").unlink()
            unlinked.append(fd)
        return take(fd)

    monkeypatch.setattr(lock, "_lock_exclusively", tidied_up)
    taken = RunLock.take(folder, "run")
    assert unlinked
    with pytest.raises(Held):
        RunLock.take(folder, "run")
    taken.release()


def test_a_lock_file_that_another_owner_put_in_its_place_is_the_one_that_counts(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Locking the one that was unlinked succeeds, too: then there would be two owners (F49)."""
    others: list[RunLock] = []
    take = lock._lock_exclusively
    begun = False

    def overtaken(fd: int) -> bool:
        nonlocal begun
        if not begun:
            begun = True
            (folder / "run.lock").unlink()
            others.append(RunLock.take(folder, "run"))
        return take(fd)

    monkeypatch.setattr(lock, "_lock_exclusively", overtaken)
    with pytest.raises(Held):
        RunLock.take(folder, "run")
    others.pop().release()
    RunLock.take(folder, "run").release()


def test_a_lock_that_does_not_compare_the_file_is_caught(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "_stands", lambda _fd, _path: True)
    with pytest.raises(pytest.fail.Exception):
        test_a_lock_file_that_was_unlinked_is_taken_anew(folder, monkeypatch)


def test_a_file_system_without_locks_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock.fcntl, "flock", lambda _fd, _how: None)
    with pytest.raises(OSError, match="does not keep locks"):
        RunLock.take(folder, "run")


@pytest.mark.parametrize(
    "written",
    ["", "999999999 5", f"{os.getpid()} 5", "1", "x y", f"-{os.getpid()} 5"],
    ids=["nothing", "the dead", "a pid used again", "no start", "no number", "a group"],
)
def test_an_owner_that_cannot_be_told_is_0(folder: Path, written: str) -> None:
    taken = RunLock.take(folder, "run")
    with (folder / "run.lock").open("r+b") as file:
        file.write(written.ljust(63).encode())
    assert holder(folder, "run") == 0
    taken.release()


def test_a_symbolic_link_is_not_followed(folder: Path) -> None:
    (folder / "run.lock").symlink_to(folder / "precious")
    for ask in (RunLock.take, holder, read_head):
        with pytest.raises(OSError, match="symbolic links"):
            ask(folder, "run")
    assert not (folder / "precious").exists()


def test_a_pipe_in_the_place_of_the_lock_is_refused_and_hangs_nobody(folder: Path) -> None:
    os.mkfifo(folder / "run.lock")
    for ask in (RunLock.take, holder, read_head):
        with pytest.raises(OSError, match="not a plain file"):
            ask(folder, "run")


def test_a_lock_file_is_private_and_stays_with_its_process(folder: Path) -> None:
    before = os.umask(0)
    try:
        taken = RunLock.take(folder, "run")
    finally:
        os.umask(before)
    assert (folder / "run.lock").stat().st_mode & 0o777 == 0o600
    assert not os.get_inheritable(taken._fd)
    taken.release()


def test_the_head_outlives_its_owner(folder: Path) -> None:
    taken = RunLock.take(folder, "run")
    assert taken.head() is None
    taken.note(7, HASH)
    taken.note(123456, HASH)
    assert taken.head() == Head(123456, HASH)
    taken.release()
    taken.release()
    assert read_head(folder, "run") == Head(123456, HASH)
    assert RunLock.take(folder, "run").head() == Head(123456, HASH)
    assert heads(folder) == {"run"}
    assert heads(folder / "none") == frozenset()


def test_every_torn_head_is_ignored(folder: Path) -> None:
    taken = RunLock.take(folder, "run")
    taken.note(41, HASH)
    older = (folder / "run.lock").read_bytes()
    taken.note(42, "cd" * 32)
    newer = (folder / "run.lock").read_bytes()
    taken.release()
    told: set[Any] = set()
    for cut in range(64, len(newer)):
        for torn in (newer[:cut], newer[:cut] + older[cut:], newer[:cut] + b"\0" * 20):
            (folder / "run.lock").write_bytes(torn)
            told.add(read_head(folder, "run"))
    assert told == {None, Head(41, HASH), Head(42, "cd" * 32)} or told == {None, Head(41, HASH)}


def test_a_lock_without_a_head_can_be_discarded(folder: Path) -> None:
    RunLock.take(folder, "run").discard()
    assert list(folder.iterdir()) == []
    taken = RunLock.take(folder, "run")
    taken.note(1, HASH)
    taken.discard()
    assert read_head(folder, "run") == Head(1, HASH)
    assert holder(folder, "run") is None
