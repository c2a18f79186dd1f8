"""Taking over a dead runner's run, beside taking one that was let go."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from backends import BACKENDS
from result import Result
from rounds import Folders, Sample, Spread, interleave, measure, python

__all__ = ["measure_takeover"]

_TIMES = 20


def measure_takeover(rounds: int, folders: Folders) -> Iterator[Result]:
    """The median of 20 takeovers with each store; over rounds, the median of those."""
    for kind in BACKENDS:
        taken = interleave(rounds, folders.disk, _side(kind))
        work = f"taking a run, {kind}, disk"
        for name, figure, goal in (
            ("of the dead", "dead", 50.0),
            ("that was let go", "free", None),
        ):
            spent = Spread.of([sample.said[figure] for (sample,) in taken])
            yield Result(work, f"wall, one {name}", spent, "ms", goal)


def _side(kind: str) -> Callable[[Path], Sample]:
    return lambda folder: measure(python("taken.py", kind, folder, _TIMES), folder)
