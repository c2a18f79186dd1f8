"""Rounds: each side in a fresh process and a fresh folder, one after the other, over and over (A B A B …).

The machine may be busy with other things. So a figure is the median over rounds of a ratio between two
processes that ran within the same seconds, and the least and greatest ratio are shown with it.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["HERE", "Folders", "Sample", "Spread", "interleave", "measure", "python", "ratio"]

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Sample:
    """One process: what it said of itself, and what the system says that the whole of it cost."""

    said: Mapping[str, float]
    cpu: float
    wall: float
    began: float


@dataclass(frozen=True)
class Spread:
    """The median of some figures, the least and the greatest."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        return cls(statistics.median(values), min(values), max(values))


@dataclass(frozen=True)
class Folders:
    """Where work is done: a file system in memory, and one on a disk."""

    memory: Path = Path("/dev/shm")
    disk: Path = Path("/var/tmp")


Side = Callable[[Path], Sample]


def interleave(rounds: int, where: Path, *sides: Side) -> list[tuple[Sample, ...]]:
    """The samples of each round, in the order of `sides`; one more round goes before to warm up."""
    return [_round(where, sides) for _ in range(rounds + 1)][1:]


def measure(
    command: Sequence[str | Path], folder: Path, *, expected: int = 0, tells: bool = True
) -> Sample:
    """Run the command in the folder; if it `tells`, its output is figures. Fails on another exit code."""
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("FSM_", "PYTHON"))}
    with tempfile.TemporaryFile() as output:
        began = time.time()
        process = subprocess.Popen(command, cwd=folder, env=environ, stdout=output, stderr=output)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.time() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read().decode(errors="replace")
    if process.returncode != expected:
        sys.exit(f"{' '.join(map(str, command))} ended with {process.returncode}:\n{text[-3000:]}")
    pairs = (line.rpartition(" ") for line in text.splitlines()) if tells else ()
    said = {name: float(number) for name, _, number in pairs}
    return Sample(said, usage.ru_utime + usage.ru_stime, wall, began)


def python(script: str, *arguments: object) -> list[str]:
    """The command that runs a script of this folder."""
    return [sys.executable, str(HERE / script), *map(str, arguments)]


def ratio(rounds: Sequence[tuple[Sample, ...]], figure: Callable[[Sample], float]) -> Spread:
    """The second side's figure over the first's, round by round."""
    return Spread.of([figure(second) / figure(first) for first, second, *_ in rounds])


def _round(where: Path, sides: Sequence[Side]) -> tuple[Sample, ...]:
    samples = []
    for side in sides:
        folder = Path(tempfile.mkdtemp(prefix="fsm-bench-", dir=where))
        try:
            samples.append(side(folder))
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    return tuple(samples)
