"""A life that is ended from outside: the command `fsm` as it is installed, which knows of nothing.

Its points are system calls: at `call:fsync 3` the kernel, told by `strace`, ends the process by SIGKILL as it
enters its third `fsync`, which does not happen any more. That it came so is read from what `strace` saw, not
from the process. Only the thread that writes is traced: neither what it starts, nor one that renews a lease.

And there are moments: at `instant 250` it is killed by the clock, so many milliseconds after its start.

At `fail:write 2` nobody dies: that call fails, as on a disk that is full or broken, or when a connection is
cut. What comes of it the process must say, and leave in order, by itself (F17, F19, F24).
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from .life import Ended, lead_really
from .person import Life
from .points import CROSSED, Kill

__all__ = ["CALL", "CALLS", "FAIL", "FAILURES", "INSTANT", "can_trace", "lead_from_outside"]

CALL, FAIL, INSTANT = "call:", "fail:", "instant"
_TRACE = "trace"
_INJECTED = "(INJECTED)"
_KILLED = "+++ killed by SIGKILL +++"

_OF_FILES = (
    "write",
    "pwrite64",
    "fsync",
    "fdatasync",
    "ftruncate",
    "mkdir",
    "rename",
    "link",
    "unlink",
)
_OF_SOCKETS = ("sendto", "sendmsg", "recvfrom")
_OTHERWISE = ("mkdir", "rename", "link", "unlink")  # on some machines: mkdirat, renameat2 …
CALLS = tuple(f"{CALL}{name}" for name in (*_OF_FILES, *_OF_SOCKETS))
"""By which something comes to last, or a server or the shim is told something, or heard."""
_ERRORS = {
    **dict.fromkeys(("write", "pwrite64", "ftruncate", "mkdir", "rename", "link"), "ENOSPC"),
    **dict.fromkeys(("fsync", "fdatasync", "unlink"), "EIO"),
    **dict.fromkeys(("sendto", "recvfrom"), "ECONNRESET"),
}
FAILURES = tuple(f"{FAIL}{name}" for name in _ERRORS)
"""How they fail: the disk is full, or it is broken, or the other end is gone."""


@cache
def can_trace() -> bool:
    """Whether `strace` is there, and may trace."""
    strace = shutil.which("strace")
    if strace is None:
        return False
    tried = [strace, "-qq", "-o", os.devnull, "-e", "trace=fsync", "true"]
    return subprocess.run(tried, capture_output=True).returncode == 0


def lead_from_outside(life: Life, folder: Path, url: str, kill: Kill, control: str = "") -> Ended:
    """A fresh interpreter, ended there or then; with `control`, broken in that way. See `lead_really`."""
    if kill.point == INSTANT:
        ended = lead_really(life, folder, url, kill_after_seconds=kill.nth / 1000)
        if ended.code == -signal.SIGKILL:
            (folder / CROSSED).write_text(f"{kill.point} {kill.nth} {ended.pid}")
        return ended
    assert can_trace(), "strace cannot be had here"
    fails = kill.point.startswith(FAIL)
    name, trace = kill.point.partition(":")[2], folder / _TRACE
    how = f"error={_ERRORS[name]}" if fails else "signal=KILL"
    names = ",".join(
        f"?{name}{more}" for more in ("", "at", "at2")[: 3 if name in _OTHERWISE else 1]
    )
    watching = ["strace", "-q", "-o", str(trace), "-e", "signal=KILL", "-e", f"trace={names}"]
    injecting = ["-e", f"inject={names}:{how}:when={kill.nth}"]
    ended = lead_really(life, folder, url, (*watching, *injecting), control)
    seen = trace.read_text().splitlines()
    if fails:
        happened = any(line.endswith(_INJECTED) for line in seen)
    else:
        happened = ended.code == -signal.SIGKILL and _was_seen(seen, name, kill.nth)
    if happened:
        (folder / CROSSED).write_text(f"{kill.point} {kill.nth} {ended.pid}")
    return ended


def _was_seen(lines: Sequence[str], name: str, nth: int) -> bool:
    """Whether that call was the last thing the process did, the nth of its kind, and it never returned."""
    *calls, end = lines
    entered = [line for line in calls if line.startswith(name)]
    return end == _KILLED and len(entered) == nth and entered[-1].endswith("= ?")
