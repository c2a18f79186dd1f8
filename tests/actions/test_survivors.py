"""What a dead runner's steps still do: told by mark and identity, never by a number alone (F45, F46)."""

from __future__ import annotations

import os
import signal
import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fsm.actions.processes.proc import boot_id, look_at
from fsm.actions.processes.survivors import InFlight, Survivor, end, survivors, wait_for

Alive = Callable[[str], list[int]]
Until = Callable[[Callable[[], object]], None]

RUN = f"run-{uuid.uuid4()}"  # others may be testing at the same time
MARK = {"FSM_RUN_ID": RUN, "FSM_STEP_ID": "build", "FSM_ATTEMPT": "1"}
BUILD = InFlight("build", 1, "")


@pytest.fixture
def begin(word: str) -> Iterator[Callable[..., int]]:
    """Begin a process that has the word among its arguments: its number."""
    begun: list[subprocess.Popen[bytes]] = []

    def start(command: str = 'exec sleep "$0"', **env: str) -> int:
        environ = {"PATH": os.environ["PATH"], **env}
        argv = ["sh", "-c", command, word]
        begun.append(subprocess.Popen(argv, env=environ, start_new_session=True))
        return begun[-1].pid

    yield start
    for process in begun:
        process.kill()
        process.wait()


def identity(pid: int) -> tuple[int, int, str]:
    proc = look_at(pid)
    assert proc is not None
    return pid, proc.start, boot_id()


def pids(found: list[Survivor]) -> set[int]:
    return {each.pid for each in found}


def test_a_process_with_the_mark_of_the_attempt_is_one(begin: Callable[..., int]) -> None:
    pid = begin(**MARK)
    (found,) = survivors(RUN, [BUILD])
    assert found[:2] == ("build", 1)
    assert found[2:5] == identity(pid)
    assert str(found).startswith(f"pid {pid} of step build: ")


def test_a_mark_behind_a_long_environment_is_one(begin: Callable[..., int]) -> None:
    pid = begin(LONG="x" * 100_000, **MARK)
    assert pids(survivors(RUN, [BUILD])) == {pid}


@pytest.mark.parametrize("name", MARK)
def test_every_part_of_the_mark_must_be_there(begin: Callable[..., int], name: str) -> None:
    begin(**{**MARK, name: "other"})
    begin(**{key: value for key, value in MARK.items() if key != name})
    assert survivors(RUN, [BUILD]) == []


def test_nothing_in_flight_has_no_survivors(begin: Callable[..., int]) -> None:
    begin(**MARK)
    assert survivors(RUN, []) == []


def test_the_process_that_is_named_is_one_without_a_mark(begin: Callable[..., int]) -> None:
    pid, start, boot = identity(begin())
    named = [InFlight("build", 1, f"{pid} {start} {boot}")]
    assert pids(survivors(RUN, named)) == {pid}


def test_a_number_that_was_used_again_is_not_believed(begin: Callable[..., int]) -> None:
    pid, start, boot = identity(begin())
    others = (
        f"{pid} {start - 1} {boot}",
        f"{pid} {start} another-boot",
        f"{pid} 0 {boot}",
        f"{os.getpid()} {start} {boot}",
        f"{pid}",
        f"{pid} {start} ",
    )
    for other in others:
        assert survivors(RUN, [InFlight("build", 1, other)]) == []


def test_its_children_and_its_session_are_too_whatever_they_hide(
    begin: Callable[..., int], word: str, alive: Alive, until: Until
) -> None:
    hidden = 'env -i setsid sleep "$0" & env -i sleep "$0" & wait'
    pid, start, boot = identity(begin(hidden))
    until(lambda: sum(b"sleep" in _command(each) for each in alive(word)) == 2)
    named = [InFlight("build", 1, f"{pid} {start} {boot}")]
    assert pids(survivors(RUN, named)) == set(alive(word))
    assert end(lambda: survivors(RUN, named), 5.0) == []
    until(lambda: not alive(word))


def test_who_does_not_hear_is_killed_after_the_grace(
    begin: Callable[..., int], tmp_path: Path, until: Until
) -> None:
    deaf = f"trap : TERM; : > {tmp_path}/deaf; while :; do sleep 0.02; done"
    pid = begin(deaf, **MARK)
    until((tmp_path / "deaf").exists)
    assert end(lambda: survivors(RUN, [BUILD]), 0.1) == []
    proc = look_at(pid)
    assert proc is None or not proc.running


def test_a_stopped_one_hears_it_is_to_end(begin: Callable[..., int], until: Until) -> None:
    pid = begin(**MARK)
    os.kill(pid, signal.SIGSTOP)
    assert end(lambda: survivors(RUN, [BUILD]), 20.0) == []


def test_another_start_of_the_number_is_not_signalled(begin: Callable[..., int]) -> None:
    pid, start, boot = identity(begin())
    of_old = Survivor("build", 1, pid, start - 1, boot, "")
    looks = iter([[of_old]])
    assert end(lambda: next(looks, []), 0.2) == []
    assert identity(pid) == (pid, start, boot)


def test_waiting_ends_when_the_last_one_has(
    begin: Callable[..., int], tmp_path: Path, until: Until
) -> None:
    waiting = f"until [ -e {tmp_path}/go ]; do sleep 0.02; done"
    begin(waiting, **MARK)
    until(lambda: survivors(RUN, [BUILD]))
    looks = 0

    def look() -> list[Survivor]:
        nonlocal looks
        looks += 1
        found = survivors(RUN, [BUILD])
        (tmp_path / "go").touch()
        return found

    wait_for(look)
    assert looks >= 2
    assert survivors(RUN, [BUILD]) == []


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().partition(b"\0")[0]
    except OSError:
        return b""
