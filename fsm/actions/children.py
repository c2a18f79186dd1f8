"""What this very process must know of its children: which lead steps, and which it has adopted.

The kernel keeps one list of children for a process, so there is one such object for a process too.
"""

from __future__ import annotations

import gc
import os
import signal
import subprocess

from fsm.actions.proc import Proc, look_at

__all__ = ["CHILDREN", "Children", "become_subreaper", "reap", "spoken_for"]

_PR_SET_CHILD_SUBREAPER = 36


class Children:
    """The children of this process.

    `leaders` are the first processes of the attempts in flight: their supervisor takes their status,
    and nobody else. `adopts` says whether orphans of steps come to this process.
    """

    def __init__(self) -> None:
        self.leaders: set[int] = set()
        self.adopts = False
        self._had_any = False

    def any_new(self) -> bool:
        """Whether there is a child now, no attempt is in flight, and there was none at the last such moment.

        Costs one system call, against milliseconds for a walk through /proc. Takes the status of
        adopted processes that have ended.
        """
        has_any = self._any()
        if self.leaders:
            return False
        had_any, self._had_any = self._had_any, has_any
        return has_any and not had_any

    def _any(self) -> bool:
        while True:
            try:
                ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return False
            child = ended and look_at(ended.si_pid)
            if not child or not self._is_adopted(child):
                return True
            reap(child.pid)

    def _is_adopted(self, child: Proc) -> bool:
        if child.pid in self.leaders or child.session == os.getsid(0):
            return False
        return child.session != child.pid or child.pid not in spoken_for()


CHILDREN = Children()


def become_subreaper() -> bool:
    """Make this process the parent of every orphan among its descendants; whether the kernel agreed.

    Daemons that leave their step's session can then be found, and ended with it (F37, F38). A runner
    calls it once, before its first step; it lasts as long as the process.
    """
    import ctypes

    if signal.getsignal(signal.SIGCHLD) == signal.SIG_IGN:
        # Inherited from a careless caller: the kernel would throw away the exit status of every step.
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    try:
        CHILDREN.adopts = ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
    except (AttributeError, OSError):
        CHILDREN.adopts = False
    return CHILDREN.adopts


def reap(pid: int) -> None:
    """Take the status of a child that has ended; nothing if it is not one."""
    try:
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG)
    except ChildProcessError:
        return


def spoken_for() -> set[int]:
    """The children whose status some `Popen` of this program means to take: fsm's own and others'.

    Only the collector knows every `Popen`. It is asked when a child turns up that could be either: it
    leads a session of its own and shows no sign of a step.
    """
    return {
        thing.pid
        for thing in gc.get_objects()
        if issubclass(type(thing), subprocess.Popen)
        and getattr(thing, "returncode", 0) is None
        and hasattr(thing, "pid")
    }
