"""Opening a long run from its checkpoint, beside replaying its whole journal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from result import Result
from rounds import Folders, Sample, Spread, interleave, measure, python

__all__ = ["measure_checkpoint"]

_STEPS = 10_000
_LEFT = 5


def measure_checkpoint(rounds: int, folders: Folders) -> Iterator[Result]:
    """10,000 steps, all done but the last few: how much faster the checkpoint is."""
    taken = interleave(rounds, folders.memory, _side("checkpoint"), _side("whole"))
    work = "opening a run of 10,000 steps"
    faster = Spread.of([whole.said["cpu"] / short.said["cpu"] for short, whole in taken])
    yield Result(work, "CPU, whole journal over checkpoint", faster, goal=5, at_least=True)
    for name, column in (("from its checkpoint", 0), ("from its whole journal", 1)):
        spent = Spread.of([samples[column].said["cpu"] * 1000 for samples in taken])
        yield Result(work, f"CPU {name}", spent, "ms")


def _side(what: str) -> Callable[[Path], Sample]:
    def side(folder: Path) -> Sample:
        measure(python("opened.py", folder, "prepare"), folder, tells=False)
        sample = measure(python("opened.py", folder, what), folder)
        assert sample.said["done"] == _STEPS - _LEFT
        return sample

    return side
