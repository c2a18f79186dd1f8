"""What a piece of work costs: processor time of this process and its ended children, and the clock."""

from __future__ import annotations

import resource
import time
from collections.abc import Mapping

__all__ = ["Meter", "say"]


class Meter:
    """Begins to count when it is made. Costs are in seconds; user and system time are summed."""

    def __init__(self) -> None:
        self._wall = time.perf_counter()
        self._cpu = _cpu()

    def read(self, prefix: str = "") -> dict[str, float]:
        """What it cost up to now: `cpu` and `wall`."""
        cpu = _cpu() - self._cpu
        return {f"{prefix}cpu": cpu, f"{prefix}wall": time.perf_counter() - self._wall}


def say(figures: Mapping[str, float]) -> None:
    """Print the figures for the process that asked: `NAME NUMBER` lines, as they need no import."""
    for name, value in figures.items():
        print(name, repr(float(value)))


def _cpu() -> float:
    own, ended = (
        resource.getrusage(resource.RUSAGE_SELF),
        resource.getrusage(resource.RUSAGE_CHILDREN),
    )
    return own.ru_utime + own.ru_stime + ended.ru_utime + ended.ru_stime
