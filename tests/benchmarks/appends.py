"""The stores side by side: durable appends a second, beside the bare cost of the same writes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from backends import BACKENDS
from result import Result
from rounds import Folders, Sample, Spread, interleave, measure, python

__all__ = ["measure_stores"]

_COUNT = 500


def measure_stores(rounds: int, folders: Folders) -> Iterator[Result]:
    """500 appends of one event each, on the disk and, where only the code counts, in memory."""
    for kind in BACKENDS:
        for name, where in (("disk", folders.disk), ("tmpfs", folders.memory)):
            taken = interleave(rounds, where, _side("fsm", kind), _side("bare", kind))
            work = f"{_COUNT} durable appends, {kind}"
            for side, column in (("fsm", 0), ("bare", 1)):
                pace = Spread.of([_COUNT / samples[column].said["wall"] for samples in taken])
                yield Result(work, f"{side}, {name}", pace, "/s")
            over = [of_fsm.said["wall"] / bare.said["wall"] for of_fsm, bare in taken]
            yield Result(work, f"wall, {name}", Spread.of(over))


def _side(side: str, kind: str) -> Callable[[Path], Sample]:
    def run(folder: Path) -> Sample:
        sample = measure(python("appended.py", side, kind, folder, _COUNT), folder)
        assert sample.said["appends"] == _COUNT
        return sample

    return run
