"""Exploring what may happen to a run: how long, and how much more than the facts of it cost anyway."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from result import Result
from rounds import Folders, Sample, Spread, interleave, measure, python

__all__ = ["measure_explored"]

_PLANS = {
    "twelve": "exploring 12 steps, 4 at once, whole",
    "thousand": "exploring 1,000 steps, one failure",
}


def measure_explored(rounds: int, folders: Folders) -> Iterator[Result]:
    """The seconds that each takes (issue 5: below 10), and a way explored over a fact applied."""
    for plan, work in _PLANS.items():
        sides = [partial(_side, plan, what) for what in ("apply", "explore")]
        taken = interleave(rounds, folders.memory, *sides)
        wall = Spread.of([explored.said["wall"] for _, explored in taken])
        yield Result(work, "wall", wall, "s", goal=10)
        ratios = [_each(explored) / _each(applied) for applied, explored in taken]
        yield Result(work, "CPU, a way over a fact of a run", Spread.of(ratios))


def _side(plan: str, what: str, folder: Path) -> Sample:
    return measure(python("explored.py", plan, what), folder)


def _each(sample: Sample) -> float:
    return sample.said["cpu"] / sample.said["count"]
