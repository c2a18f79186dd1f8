"""What the kernel tells of other processes: a thin reading of /proc.

A process is identified by (pid, start): the number alone is used again (F46).
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from fsm.actions.output.masking import Masker

__all__ = [
    "MARKS",
    "Proc",
    "all_pids",
    "boot_id",
    "command_line",
    "look_at",
    "marks",
    "now_in_ticks",
]

MARKS = ("FSM_RUN_ID", "FSM_STEP_ID", "FSM_ATTEMPT", "FSM_OUTPUT")
"""The variables that, together, tell one attempt's processes from all others."""

_MARKS = tuple(name.encode() + b"=" for name in MARKS)
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_ENVIRON_BYTES = 8 << 20  # more than the kernel lets a process have
_USUAL_BYTES = 32 << 10  # more than nearly all have, and as quickly had as none
_EXEC_LOOKS = 40
_EXEC_SECONDS = 0.0005


class Proc(NamedTuple):
    """One process as it was a moment ago.

    `start` is in clock ticks since the machine started. A process that is not `running` has ended and
    waits for its parent to take its status; a stopped one runs.
    """

    pid: int
    start: int
    parent: int
    group: int
    session: int
    running: bool


def now_in_ticks() -> int:
    """This moment as `Proc.start` counts: whatever is started from now on starts at or after it."""
    return int(time.clock_gettime(time.CLOCK_BOOTTIME) * _TICKS_PER_SECOND)


def boot_id() -> str:
    """What names this start of the machine; empty where the kernel does not tell."""
    return _read("sys/kernel/random", "boot_id", 64).decode().strip()


def all_pids() -> list[int]:
    """The number of every process that may be seen; none where /proc is not mounted."""
    try:
        return [int(name) for name in os.listdir("/proc") if name.isdecimal()]  # noqa: PTH208
    except OSError:
        return []


def look_at(pid: int) -> Proc | None:
    """The process of that number, `None` if there is none."""
    # The name in parentheses may hold anything, parentheses and spaces included.
    fields = _read(pid, "stat", 1024).rpartition(b")")[2].split()
    if len(fields) < 20:
        return None
    # A process whose first thread has ended looks like a zombie while its other threads go on.
    running = fields[0] not in (b"Z", b"X") or int(fields[17]) > 1
    parent, group, session = map(int, fields[1:4])
    return Proc(pid, int(fields[19]), parent, group, session, running)


def marks(pid: int) -> frozenset[bytes]:
    """The `NAME=value` of `MARKS` with which the process was started; none if it has ended."""
    return frozenset(each for each in _environ(pid).split(b"\0") if each.startswith(_MARKS))


def command_line(pid: int, masker: Masker) -> str:
    """Its arguments, masked and then shortened, for people; its name in brackets if it has none."""
    words = masker.mask(_arguments(pid).replace(b"\0", b" ").strip())
    words = words or b"[" + _read(pid, "comm", 64).strip() + b"]"
    text = words.decode(errors="backslashreplace")
    return text if len(text) <= 80 else text[:79] + "…"


def _arguments(pid: int) -> bytes:
    for _ in range(_EXEC_LOOKS):  # see `_environ`
        arguments = _read(pid, "cmdline", 4096)
        if arguments or not _has_program(pid):
            return arguments
        time.sleep(_EXEC_SECONDS)
    return b""


def _environ(pid: int) -> bytes:
    # In the midst of execve(2) a process has a program, but neither arguments nor environment, for some
    # microseconds, or as long as it gets no processor; one that cleared its environment has arguments.
    had_arguments = False
    for _ in range(_EXEC_LOOKS):
        environ = _read(pid, "environ", _USUAL_BYTES)
        if len(environ) == _USUAL_BYTES:
            environ = _read(pid, "environ", _ENVIRON_BYTES)
        if environ or had_arguments or not _has_program(pid):
            return environ
        had_arguments = bool(_read(pid, "cmdline", 1))
        if not had_arguments:
            time.sleep(_EXEC_SECONDS)
    return b""


def _has_program(pid: int) -> bool:
    try:
        return bool(os.readlink(f"/proc/{pid}/exe"))  # noqa: PTH115 - a Path would only be thrown away
    except OSError:
        return False


def _read(pid: int | str, name: str, limit: int) -> bytes:
    try:
        fd = os.open(f"/proc/{pid}/{name}", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        return os.read(fd, limit)
    except OSError:
        return b""  # it ended meanwhile
    finally:
        os.close(fd)
