"""A shim that the command forks off before it loads anything else, for the first launcher to take over.

There is next to nothing to copy yet, no other thread and no lock: forking costs less than half a millisecond,
and an interpreter of its own ten. Loads no more than the shim.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import _socket
import gc
import os

from fsm.actions.processes import shim

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

__all__ = ["claim", "stand_by"]

_waiting: list[tuple[int, int, int]] = []


def stand_by() -> None:
    """Fork off a shim that waits to be claimed. It ends with this process, or when it is let go.

    For a process with one thread that has opened nothing yet. Raises `OSError`.
    """
    mine, theirs = _socket.socketpair()
    # A signal to all of us must not be heard by the new one as by the runner, who would hear it twice.
    before = _signal.pthread_sigmask(_signal.SIG_SETMASK, _signal.valid_signals())
    try:
        pid = os.fork()
        if not pid:
            _become_a_shim(theirs.fileno())
    except OSError:
        mine.close()
        raise
    finally:
        theirs.close()
        _signal.pthread_sigmask(_signal.SIG_SETMASK, before)
    _waiting.append((os.getpid(), pid, mine.detach()))


def claim() -> tuple[int, int] | None:
    """The shim that stands by in this process, and our end of its channel; it is the caller's from now on."""
    if not _waiting:
        return None
    owner, pid, channel = _waiting.pop()
    return (pid, channel) if owner == os.getpid() else None


def _become_a_shim(channel: int) -> NoReturn:
    try:
        gc.disable()  # it would copy what the two share
        os.setsid()
        os.dup2(channel, shim.CHANNEL)
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, 1)
        os.dup2(nothing, 2)
        shim.main()
    finally:
        os._exit(0)
