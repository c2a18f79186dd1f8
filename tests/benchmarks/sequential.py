"""Steps one after another: `true`, in-process steps that do nothing, and half a thousand undone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import plans
from counts import per_step
from result import Result
from rounds import Folders, Sample, interleave, measure, python, ratio
from startup import console_script

__all__ = ["bare", "driven", "measure_noops", "measure_trues", "measure_undone"]


def bare(work: str, count: int) -> Callable[[Path], Sample]:
    """The bare loop as one side of a comparison."""

    def side(folder: Path) -> Sample:
        sample = measure(python("bare.py", work, folder, count), folder)
        assert sample.said["steps"] == count
        return sample

    return side


def driven(text: str, count: int) -> Callable[[Path], Sample]:
    """The plan driven by fsm's engine, of which `count` steps must end as they should."""
    program = "commanded.py" if "run:" in text else "driven.py"

    def side(folder: Path) -> Sample:
        plan = folder / "plan.yaml"
        plan.write_text(text)
        sample = measure(python(program, plan, folder), folder)
        assert sample.said["steps"] == count, sample.said
        return sample

    return side


def measure_trues(rounds: int, folders: Folders) -> Iterator[Result]:
    """200 sequential steps of `true`."""
    work, count = "200 sequential steps of `true`", 200

    def command(folder: Path) -> Sample:
        (folder / "plan.yaml").write_text(plans.trues(count))
        return measure([console_script(), "run", "plan.yaml", "--yes"], folder, tells=False)

    sides = bare("spawns", count), driven(plans.trues(count), count)
    taken = interleave(rounds, folders.memory, *sides, command)
    others = "prototype 1.3, make 1.7, doit 2.4, DBOS 3.8"
    yield Result(work, "CPU, the work itself, tmpfs", ratio(taken, cpu), goal=1.5, others=others)
    yield Result(work, "CPU, whole process, tmpfs", ratio(taken, whole))
    whole_command = ratio([(first, third) for first, _, third in taken], whole)
    yield Result(work, "CPU, the command `fsm run`, tmpfs", whole_command)
    taken = interleave(rounds, folders.disk, *sides)
    yield Result(work, "CPU, the work itself, disk", ratio(taken, cpu))
    yield Result(work, "wall, the work itself, disk", ratio(taken, wall))
    yield from per_step(work, plans.trues, few=20, many=120, forks=1, where=folders.disk)


def measure_noops(rounds: int, folders: Folders) -> Iterator[Result]:
    """2,000 in-process steps that do nothing, durably."""
    work, count = "2,000 in-process no-op steps", 2000
    sides = bare("commits", count), driven(plans.noops(count), count)
    taken = interleave(rounds, folders.memory, *sides)
    others = "prototype 3.8, DBOS 155, Prefect 450"
    yield Result(work, "CPU, the work itself, tmpfs", ratio(taken, cpu), goal=8, others=others)
    yield Result(work, "CPU, whole process, tmpfs", ratio(taken, whole))
    taken = interleave(rounds, folders.disk, *sides)
    others = "prototype 1.6, DBOS 18 to 29"
    yield Result(work, "wall, the work itself, disk", ratio(taken, wall), goal=2.5, others=others)
    yield from per_step(work, plans.noops, few=200, many=1200, forks=0, where=folders.disk)


def measure_undone(rounds: int, folders: Folders) -> Iterator[Result]:
    """500 steps done, the last fails, 500 undone."""
    work, count = "500 done, the last fails, 500 undone", 500
    sides = bare("commits", 2 * count), driven(plans.undone(count), count)
    taken = interleave(rounds, folders.memory, *sides)
    assert all(second.said["undone"] == count for _, second in taken)
    others = "DBOS 135, undone by hand"
    yield Result(work, "CPU, the work itself, tmpfs", ratio(taken, cpu), goal=6, others=others)
    yield Result(work, "CPU, whole process, tmpfs", ratio(taken, whole))


def cpu(sample: Sample) -> float:
    """The work itself: after imports, and after the plan was loaded and checked."""
    return sample.said["cpu"]


def wall(sample: Sample) -> float:
    """The work itself by the clock."""
    return sample.said["wall"]


def whole(sample: Sample) -> float:
    """The whole process, from its start to its end, with its children."""
    return sample.cpu
