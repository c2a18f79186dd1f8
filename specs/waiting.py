"""Waiting for something to be so, never for time to pass."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

__all__ = ["PATIENCE_SECONDS", "until"]

PATIENCE_SECONDS = 30.0
"""Far longer than anything here takes, on a machine that is busy with other things."""

Found = TypeVar("Found")


def until(look: Callable[[], Found], what: str, seconds: float = PATIENCE_SECONDS) -> Found:
    """What `look` finds as soon as that is something. Fails with `what` if it stays nothing."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < deadline, f"waited {seconds:g} seconds for {what}"
        time.sleep(0.01)
