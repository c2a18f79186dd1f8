"""A warm process for all cases of a test session: starting an interpreter for each would take minutes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

_TOP = Path(__file__).parents[2]


@dataclass
class Told:
    """What the nursery says of a case; the fields are those of `case.Verdict`."""

    case: str
    problems: list[str]
    lives: list[str]
    killed: int
    torn: int
    failed: int
    missed: str

    def __str__(self) -> str:
        return "\n".join([self.case, *self.problems, *self.lives])

    def is_sound(self) -> None:
        """Asserts that each death or failure that the case asks for was verified, and nothing went wrong."""
        assert not self.problems, f"again: python -m tests.crash '{self.case}'\n{self}"
        assert not self.missed, f"never came to {self.missed}\n{self}"
        assert self.killed + self.torn + self.failed == self.case.count(",") + 1, self


@pytest.fixture(scope="session")
def nursery() -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.crash.nursery"],
        cwd=_TOP,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


@pytest.fixture
def told(nursery: subprocess.Popen[str]) -> Callable[..., Told]:
    """Runs a case, perhaps with an engine that is broken on purpose."""

    return lambda case, control="": Told(**_ask(nursery, case=case, control=control))


@pytest.fixture
def raced(nursery: subprocess.Popen[str]) -> Callable[..., dict[str, Any]]:
    """Has two runners race for a run, so many times; gives the fields of `races.Races`."""
    return lambda store, times, broken=False: _ask(nursery, races=times, store=store, broken=broken)


def _ask(nursery: subprocess.Popen[str], **order: object) -> dict[str, Any]:
    assert nursery.stdin is not None
    assert nursery.stdout is not None
    nursery.stdin.write(json.dumps(order) + "\n")
    nursery.stdin.flush()
    answer: dict[str, Any] = json.loads(nursery.stdout.readline())
    return answer
