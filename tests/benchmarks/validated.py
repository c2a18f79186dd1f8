"""What `fsm validate` costs: a long plan of calls of a skill, each inspected and tried by its dry run."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import plans
from result import Result
from rounds import Folders, Sample, Spread, interleave, measure, ratio
from startup import console_script, cpu

__all__ = ["measure_validated"]

_MANY, _FEW = 10_000, 1_000
_BARE = "import yaml; yaml.load(open('plan.yaml'), yaml.CSafeLoader)"


def measure_validated(rounds: int, folders: Folders) -> Iterator[Result]:
    """The whole command, against reading the same file with PyYAML's C parser and nothing else."""
    taken = interleave(
        rounds,
        folders.memory,
        _side([sys.executable, "-c", _BARE], _MANY),
        _side([console_script(), "validate", "plan.yaml"], _MANY),
        _side([console_script(), "validate", "plan.yaml"], _FEW),
    )
    work = f"`fsm validate`, {_MANY:,} steps of a skill"
    seconds = Spread.of([cpu(each[1]) for each in taken])
    yield Result(work, "CPU of the whole process", seconds, "s", goal=3.0)
    yield Result(work, "CPU / PyYAML reading the file", ratio(taken, cpu), goal=3.0)
    grown = ratio([(each[2], each[1]) for each in taken], cpu)
    yield Result(work, f"CPU / the same with {_FEW:,} steps", grown, goal=10.0)


def _side(command: list[str | Path], steps: int) -> Callable[[Path], Sample]:
    def side(folder: Path) -> Sample:
        (folder / "plan.yaml").write_text(plans.written(steps))
        (folder / "out").mkdir()
        return measure(command, folder, tells=False)

    return side
