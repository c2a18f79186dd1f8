"""The process that leads cases waits for all that they leave running, their shims too."""

from __future__ import annotations

import ctypes
import os
from contextlib import suppress

__all__ = ["become_reaper", "wait_for_orphans"]

_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER of prctl(2)


def become_reaper() -> None:
    """From here on, whatever loses its parent below this process becomes its child. Raises `OSError`."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_SUBREAPER, 1, 0, 0, 0):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def wait_for_orphans() -> None:
    """Return when every child, and every orphan that came here, has ended by itself."""
    with suppress(ChildProcessError):
        while True:
            os.waitpid(-1, 0)
