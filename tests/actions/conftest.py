"""Real processes in a folder of their own; what they leave behind is found by a unique word and removed."""

from __future__ import annotations

import os
import signal
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from fsm.actions.shell import ShellAction
from fsm.engine.ports import Task

MakeTask = Callable[..., Task]


@pytest.fixture
def make_task(tmp_path: Path) -> MakeTask:
    """A task of `shell.run`; each call is another attempt."""
    attempts = iter(range(1, 1000))

    def make(command: object, *, env: Mapping[str, str] | None = None, **fields: Any) -> Task:
        attempt = next(attempts)
        outputs = tmp_path / "logs" / f"step.{attempt}.outputs"
        own = {
            "FSM_RUN_ID": f"run-{tmp_path.name}",
            "FSM_STEP_ID": "step",
            "FSM_ATTEMPT": str(attempt),
            "FSM_OUTPUT": str(outputs),
        }
        values = {
            "run_id": own["FSM_RUN_ID"],
            "step_id": "step",
            "attempt": attempt,
            "purpose": "run",
            "action": "run",
            "params": {"command": command},
            "env": {**os.environ, **(env or {}), **own},
            "cwd": str(tmp_path),
            "log": str(outputs.with_suffix(".log")),
            "outputs": str(outputs),
            "grace_seconds": 5.0,
        }
        return Task(**{**values, **fields})

    return make


@pytest.fixture
def shell() -> Iterator[ShellAction]:
    """The action, as one runner has it."""
    action = ShellAction()
    yield action
    action.close()


@pytest.fixture
def word() -> Iterator[str]:
    """A word that no other process has among its arguments; all that have it are killed in the end."""
    unique = f"6{uuid.uuid4().int % 10**12:012d}"
    yield unique
    while pids := processes_with(unique):
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@pytest.fixture
def alive() -> Callable[[str], list[int]]:
    """The living processes that have a word among their arguments."""
    return processes_with


@pytest.fixture
def until() -> Callable[[Callable[[], object]], None]:
    """Wait for something that gives no sign of itself; fails after 20 seconds."""

    def wait(condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + 20
        while not condition():
            assert time.monotonic() < deadline, "it did not come about"
            time.sleep(0.01)

    return wait


def processes_with(unique: str) -> list[int]:
    pids = (int(each.name) for each in Path("/proc").iterdir() if each.name.isdecimal())
    return [pid for pid in pids if pid != os.getpid() and unique.encode() in arguments(pid)]


def arguments(pid: int) -> bytes:
    """In the midst of execve(2) a process has a program and no arguments: then look again."""
    try:
        while not (words := Path(f"/proc/{pid}/cmdline").read_bytes()):
            Path(f"/proc/{pid}/exe").readlink()
    except OSError:
        return b""
    return words
