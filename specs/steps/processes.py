"""Processes: of fsm itself, and those that a step begins."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path

from pytest_bdd import parsers, then, when

from ..place import Place
from ..waiting import until

_SIGNALS = {"SIGINT": signal.SIGINT, "SIGTERM": signal.SIGTERM, "SIGHUP": signal.SIGHUP}


@when(parsers.parse('"{name}" has begun'))
def it_has_begun(place: Place, name: str) -> None:
    place.wait_for(f"{name}.began")


@when(parsers.parse('I let "{name}" end'))
def let_it_end(place: Place, name: str) -> None:
    place.path(f"{name}.go").touch()


@when(parsers.parse('it has printed "{text}"'))
def it_has_printed(place: Place, text: str) -> None:
    until(lambda: text in place.so_far(), f"{text!r} in what it prints")


@when("its runner is killed by kill -9")
def killed(place: Place) -> None:
    runner = place.runner
    assert runner is not None
    assert runner.poll() is None, f"it had ended before:\n{place.so_far()}"
    runner.kill()
    place.finish()
    assert place.answer.exit_code == -signal.SIGKILL, place.answer


@when(parsers.parse("its runner gets {name}"))
@when(parsers.parse("its runner gets {name} again"))
def signalled(place: Place, name: str) -> None:
    runner = place.runner
    assert runner is not None
    assert runner.poll() is None, f"it had ended before:\n{place.so_far()}"
    runner.send_signal(_SIGNALS[name.removesuffix(" again")])


@when("it has noticed")
def it_has_noticed(place: Place) -> None:
    it_has_printed(place, "nothing more is started")


@when(parsers.parse('what "{name}" left running is killed'))
def orphans_killed(place: Place, name: str) -> None:
    """What a dead runner left behind, its shim first: nobody sees how the step ended."""
    pid = int(place.path(f"{name}.began").read_text())
    with contextlib.suppress(ProcessLookupError):
        group = os.getpgid(pid)
        shim = parent_of(group)
        if shim > 1 and is_shim(shim):
            os.kill(shim, signal.SIGKILL)
            until(lambda: not is_alive(shim), "the end of the shim")
        os.killpg(group, signal.SIGKILL)
        until(lambda: not _living(group), f"the end of the processes of group {group}")
    place.path(f"{name}.began").unlink()


@then(parsers.parse('the process in "{name}" is gone'))
def process_gone(place: Place, name: str) -> None:
    pid = int(place.path(name).read_text())
    assert not is_alive(pid), f"process {pid} lives: {place.answer}"


@then(parsers.parse('the process in "{name}" goes on'))
def process_goes_on(place: Place, name: str) -> None:
    pid = int(place.path(name).read_text())
    assert is_alive(pid), place.answer
    os.kill(pid, signal.SIGKILL)


def _living(group: int) -> list[int]:
    """The processes of a group that run."""
    pids = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal()]
    return [pid for pid in pids if is_alive(pid) and _group(pid) == group]


def _group(pid: int) -> int:
    with contextlib.suppress(ProcessLookupError):
        return os.getpgid(pid)
    return 0


def is_shim(pid: int) -> bool:
    """Whether this process, a child of a runner or its orphan, is a shim."""
    return Path(f"/proc/{pid}/comm").read_text() == "step-shim\n"


def parent_of(pid: int) -> int:
    """The number of its parent, 0 if there is no such process."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return 0
    return int(text.rpartition(")")[2].split()[1])


def is_alive(pid: int) -> bool:
    """Whether the process runs; one that has ended and was not waited for does not."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return text.rpartition(")")[2].split()[0] not in {"Z", "X"}
