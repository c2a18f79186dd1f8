"""Many steps at once: processes that sleep, and a plan of 10,000 steps in layers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import plans
from result import Result
from rounds import Folders, Sample, Spread, interleave, ratio
from sequential import bare, cpu, driven, wall, whole

__all__ = ["measure_layers", "measure_naps"]

_SLOTS = 16


def measure_naps(rounds: int, folders: Folders) -> Iterator[Result]:
    """400 steps of 50 ms, 16 at once: the ideal time over the time that it takes."""
    work, count = "400 steps of 50 ms, 16 at once", 400
    ideal = count / _SLOTS * 0.05
    sides = bare("pool", count), driven(plans.naps(count, _SLOTS), count)

    def share(taken: Sequence[tuple[Sample, ...]], side: int) -> Spread:
        return Spread.of([100 * ideal / wall(each[side]) for each in taken])

    taken = interleave(rounds, folders.disk, *sides)
    figure, others = "ideal time / wall, disk", "ninja 93 %, DBOS 63 %"
    yield Result(work, figure, share(taken, 1), "%", 90, at_least=True, others=others)
    yield Result(work, "… of the bare pool", share(taken, 0), "%")
    yield Result(work, "CPU, the work itself, disk", ratio(taken, cpu))
    taken = interleave(rounds, folders.memory, *sides)
    yield Result(work, "ideal time / wall, tmpfs", share(taken, 1), "%")
    yield Result(work, "… of the bare pool", share(taken, 0), "%")


def measure_layers(rounds: int, folders: Folders) -> Iterator[Result]:
    """A plan of 10,000 steps in 100 layers, each step waiting for three of the layer before."""
    work, count, tenth = "10,000-step layered plan", 10_000, 1_000
    taken = interleave(
        rounds,
        folders.memory,
        bare("commits", count),
        driven(plans.layered(count), count),
        driven(plans.layered(tenth), tenth),
    )

    def figure(name: str) -> Spread:
        return Spread.of([large.said[name] for _, large, _ in taken])

    def load(said: dict[str, float]) -> float:
        return said["load_cpu"] + said["check_cpu"]

    def growth(*names: str) -> Spread:
        return Spread.of(
            [
                sum(large.said[name] for name in names) / sum(small.said[name] for name in names)
                for _, large, small in taken
            ]
        )

    loads = Spread.of([load(dict(large.said)) for _, large, _ in taken])
    yield Result(
        work, "CPU to load and check it", loads, "s", 1, others="prototype 0.4 s, unchecked"
    )
    yield Result(work, "… of that, loading to the digest", figure("load_cpu"), "s")
    yield Result(work, "… of that, preflight", figure("check_cpu"), "s")
    others = "prototype 2.6, doit 12, DBOS 170"
    yield Result(work, "CPU, the run itself, tmpfs", ratio(taken, cpu), goal=4, others=others)
    yield Result(work, "CPU, whole process, tmpfs", ratio(taken, whole))
    yield Result(work, "peak memory", figure("peak_mb"), "MB", 120, others="prototype 77 MB")
    grown = growth("cpu", "load_cpu", "check_cpu")
    yield Result(work, "CPU, 1,000 → 10,000 steps", grown, goal=12, others="taskflow quadratic")
    yield Result(work, "… the run alone", growth("cpu"), goal=12)
    yield Result(work, "… loading and checking alone", growth("load_cpu", "check_cpu"), goal=12)
