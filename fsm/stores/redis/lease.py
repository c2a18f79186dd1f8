"""Who holds a run, as a token that others can read: to tell a dead holder on this machine from a living one.

    fsm1 HOST MACHINE PID STARTED NONCE

MACHINE is the boot id and the process namespace: only where it is the same does PID mean anything, and only
there can be seen that the process is dead. STARTED is in ticks since boot (F46).
"""

from __future__ import annotations

import os
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple, Self

__all__ = ["Holder"]

_TOKEN = re.compile(
    r"fsm1 ([A-Za-z0-9._-]{1,255}) ([0-9a-f:-]{1,80}) (\d{1,10}) (\d{1,20}) ([0-9a-f]{32})"
)


class Holder(NamedTuple):
    """One acquisition of a run by one process."""

    host: str
    machine: str
    pid: int
    started: int
    nonce: str

    @classmethod
    def new(cls) -> Self:
        """This process; another one each time."""
        host = re.sub(r"[^A-Za-z0-9._-]", "-", os.uname().nodename)[:255] or "-"
        return cls(host, _machine(), os.getpid(), _started(os.getpid()) or 0, os.urandom(16).hex())

    @classmethod
    def read(cls, token: bytes) -> Self | None:
        """The holder of that token; `None` if it is no token of ours."""
        match = _TOKEN.fullmatch(token.decode("ascii", "replace"))
        if match is None:
            return None
        host, machine, pid, started, nonce = match.groups()
        return cls(host, machine, int(pid), int(started), nonce)

    @property
    def token(self) -> bytes:
        """The holder as text."""
        return f"fsm1 {self.host} {self.machine} {self.pid} {self.started} {self.nonce}".encode()

    @property
    def is_here(self) -> bool:
        """Whether this process can see that one, if it lives."""
        return self.machine == _machine()

    @property
    def is_dead(self) -> bool:
        """Whether that process is known to have ended. Whom the system hides from us may live."""
        if not self.is_here:
            return False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except OSError:
            pass
        return _started(self.pid) not in (self.started, None)


@cache
def _machine() -> str:
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return f"{boot}:{Path('/proc/self/ns/pid').stat().st_ino:x}"


def _started(pid: int) -> int | None:
    """When the process started, in ticks since boot; 0 if it ended but was not waited for, `None` unseen."""
    try:
        text = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    state, *fields = text.rpartition(b")")[2].split()
    return 0 if state in (b"Z", b"X") else int(fields[18])
