"""The process that leads cases waits for all that they leave running, their shims too."""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["become_reaper", "living_on", "wait_for_orphans"]

_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER of prctl(2)
_living_on: set[int] = set()


def become_reaper() -> None:
    """From here on, whatever loses its parent below this process becomes its child. Raises `OSError`."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_SUBREAPER, 1, 0, 0, 0):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


@contextmanager
def living_on(pid: int) -> Iterator[None]:
    """This child is no part of a life: it is not waited for meanwhile."""
    _living_on.add(pid)
    try:
        yield
    finally:
        _living_on.remove(pid)


def wait_for_orphans() -> None:
    """Return when every child, and every orphan that came here, has ended by itself."""
    while others := _children() - _living_on:
        with suppress(ChildProcessError):
            os.waitpid(min(others), 0)


def _children() -> set[int]:
    me = threading.get_native_id()
    return {int(pid) for pid in Path(f"/proc/self/task/{me}/children").read_text().split()}
