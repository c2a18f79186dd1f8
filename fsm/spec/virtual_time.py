"""An event loop whose clock jumps to the next timer instead of waiting for it."""

from __future__ import annotations

import asyncio
import heapq
import selectors
from collections.abc import Callable
from contextvars import Context
from itertools import count
from typing import Any

from fsm.errors import FsmError

__all__ = ["VirtualLoop"]


class _Selector(selectors.DefaultSelector):
    """Never waits: time goes by as if it had."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready:
            if timeout is None:
                raise FsmError("nothing is left to wait for")
            self.now += max(0.0, timeout)
        return ready


class _Timer(asyncio.TimerHandle):
    """Of two timers for the same moment, the one that was set first comes first."""

    __slots__ = ("number",)
    number: int

    def __lt__(self, other: asyncio.TimerHandle) -> bool:
        if isinstance(other, _Timer) and self.when() == other.when():
            return self.number < other.number
        return self.when() < other.when()


class VirtualLoop(asyncio.SelectorEventLoop):
    """`time` is in seconds since the loop was made, and costs nothing."""

    def __init__(self) -> None:
        self._clock = _Selector()
        self._numbers = count()
        super().__init__(self._clock)

    def time(self) -> float:
        return self._clock.now

    def call_at(  # type: ignore[override]
        self,
        when: float,
        callback: Callable[..., object],
        *args: Any,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """As every loop does it, but for the order of timers of the same moment."""
        timer = _Timer(when, callback, args, self, context)
        timer.number = next(self._numbers)
        heapq.heappush(self._scheduled, timer)  # type: ignore[attr-defined]
        timer._scheduled = True  # type: ignore[attr-defined]
        return timer
