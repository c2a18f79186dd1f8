"""A run that is killed in its middle and resumed: how soon it goes on, and that nothing runs twice."""

from __future__ import annotations

import signal
import sqlite3
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import plans
from result import Result
from rounds import Folders, Sample, Spread, interleave, measure, python, ratio
from startup import console_script

__all__ = ["measure_resumed"]

_STEPS = 1000
_HALF = _STEPS // 2
_LIBRARIES = ("transitions", "asyncio", "click", "hashlib", "json", "pathlib", "dataclasses")


def measure_resumed(rounds: int, folders: Folders) -> Iterator[Result]:
    """Killed at half of 1,000 steps (`kill -9`, and the runner is seen to die of it), then resumed.

    Shown with it: the bare restart that also imports the libraries that no resume of fsm can do without.
    """
    work = "killed at half of 1,000 steps, resumed"
    taken = interleave(rounds, folders.memory, _bare, _resumed, _bare_with_libraries)
    resumed = [(bare, of_fsm) for bare, of_fsm, _ in taken]
    loaded = [(bare, with_libraries) for bare, _, with_libraries in taken]
    figure = "to the first new step, "
    yield Result(work, f"wall {figure}tmpfs", ratio(resumed, wall), goal=3, others="luigi 6")
    yield Result(work, f"CPU {figure}tmpfs", ratio(resumed, cpu), goal=3)
    yield Result(work, "CPU bare, but with fsm's libraries", ratio(loaded, cpu))
    twice = Spread.of([second.said["twice"] for _, second in resumed])
    yield Result(work, "steps run twice or never", twice, "", 0)


def wall(sample: Sample) -> float:
    """From the start of the process to the start of the first new step."""
    return sample.said["first_wall"]


def cpu(sample: Sample) -> float:
    """What the process had used when it started the first new step."""
    return sample.said["first_cpu"]


def _bare(folder: Path, *modules: str) -> Sample:
    database = folder / "bare.db"
    measure(python("bare.py", "commits", folder, _HALF), folder)
    restart = python("bare_restart.py", database, plans.STAMP, *modules)
    sample = measure(restart, folder, tells=False)
    with sqlite3.connect(database) as connection:
        (steps,) = connection.execute("SELECT count(*) FROM steps").fetchone()
    assert steps == _HALF + 1
    return _first(sample, folder, {})


def _bare_with_libraries(folder: Path) -> Sample:
    return _bare(folder, *_LIBRARIES)


def _resumed(folder: Path) -> Sample:
    (folder / "plan.yaml").write_text(plans.stops_at_half(_STEPS))
    fsm = console_script()
    measure([fsm, "run", "plan.yaml", "--yes"], folder, expected=-signal.SIGKILL, tells=False)
    assert _effects(folder) == Counter(range(_HALF)), "it was not killed at half"
    sample = measure([fsm, "resume"], folder, tells=False)
    wrong = _effects(folder)
    wrong.subtract(range(_STEPS))
    return _first(sample, folder, {"twice": sum(map(abs, wrong.values()))})


def _effects(folder: Path) -> Counter[int]:
    return Counter(map(int, (folder / "effects").read_text().split()))


def _first(sample: Sample, folder: Path, said: dict[str, float]) -> Sample:
    used, at = map(int, (folder / "first").read_text().split())
    said |= {"first_cpu": used / 1e9, "first_wall": at / 1e9 - sample.began}
    return Sample(said, sample.cpu, sample.wall, sample.began)
