"""What a step costs, counted: one durable write, and one fork if it runs a program.

The counting is that of the benchmarks, by the run itself, as not every machine has `strace`.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

DRIVEN = Path(__file__).parents[1] / "benchmarks" / "driven.py"
COUNTED = ("durable writes", "forks")


def counted(folder: Path, step: str, steps: int) -> dict[str, float]:
    folder.mkdir(mode=0o700)
    plan = folder / "plan.yaml"
    lines = "\n".join(f"    - {{id: s{n}, {step}}}" for n in range(steps))
    plan.write_text(f"plan:\n  id: costs\n  steps:\n{lines}\n")
    command = [sys.executable, DRIVEN, plan, folder, "--count"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    said = {
        name: float(figure)
        for name, _, figure in (line.rpartition(" ") for line in done.stdout.splitlines())
    }
    assert said["steps"] == steps
    return {name: said[name] for name in COUNTED}


@pytest.mark.parametrize(
    ("step", "forks"),
    [
        ("run: ['true']", 1),
        ("run: 'true'", 1),
        ("skill: noop, action: do", 0),
    ],
)
def test_a_step_costs_one_durable_write_and_one_fork(tmp_path: Path, step: str, forks: int) -> None:
    few = counted(tmp_path / "few", step, 4)
    many = counted(tmp_path / "many", step, 24)
    assert {name: many[name] - few[name] for name in COUNTED} == {
        "durable writes": 20,
        "forks": 20 * forks,
    }
