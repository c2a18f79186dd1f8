"""The world that steps change: a file of effects, appended and synced, that outlives every crash.

One line an effect, `VERB STEP ATTEMPT DURABLE`. DURABLE is how many records of the run's journal another
reader finds at that moment: so an effect itself tells whether its intent was durable (I3).
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from fsm.app.workspace import Workspace
from fsm.engine.ports import Failed, Inspection, Outcome, Succeeded, Task

from .points import Points, sync

if TYPE_CHECKING:
    from pydantic import JsonValue

__all__ = ["BEGUN", "Effect", "Ledger", "LedgerAction"]


class _Verbs(NamedTuple):
    begun: str
    done: str
    failed: str
    cancelled: str


_VERBS = {
    "run": _Verbs("started", "did", "failed", "cancelled"),
    "rollback": _Verbs("undoing", "undid", "unfailed", "uncancelled"),
    "check": _Verbs("looking", "looked", "", ""),
}
BEGUN = {"started": "run", "undoing": "rollback", "looking": "check"}
"""What begins, by its verb."""


class Effect(NamedTuple):
    """A line of the ledger; `durable` is -1 where nobody looked."""

    verb: str
    step: str
    attempt: int
    durable: int = -1


@dataclass(frozen=True)
class Ledger:
    """The file of effects in a folder, beside the store of that URL."""

    folder: Path
    url: str

    def read(self) -> list[Effect]:
        """All effects, in the order in which they happened."""
        path = self.folder / "effects"
        lines = path.read_text().splitlines() if path.exists() else []
        cells = (line.split() for line in lines)
        return [
            Effect(verb, step, int(number), int(durable)) for verb, step, number, durable in cells
        ]

    def write(self, effect: Effect) -> None:
        """Add an effect, and sync it."""
        fd = os.open(self.folder / "effects", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(fd, (" ".join(map(str, effect)) + "\n").encode())
        sync(fd)
        os.close(fd)

    def count(self, verb: str, step: str) -> int:
        return sum(effect.verb == verb and effect.step == step for effect in self.read())

    def durable(self, run_id: str) -> int:
        """How many records of the run's journal are there for everybody to see."""
        with closing(Workspace(self.folder, self.url).store) as store:
            return len(store.load(run_id).records)


class LedgerAction:
    """The skill `ledger`: each call is an effect in the ledger, and does as its params say.

    `fails`: so many times the effect fails before it succeeds, over all attempts that there ever are.
    `lingers`: it takes so many seconds, which only a cancellation ends.
    """

    def __init__(self, ledger: Ledger, points: Points) -> None:
        self._ledger = ledger
        self._points = points

    async def inspect(
        self,
        action: str,
        params: Mapping[str, JsonValue],
        cwd: Path,
        env: Mapping[str, str],
        secrets: Sequence[bytes],
    ) -> Inspection:
        return {}

    async def perform(self, task: Task) -> Outcome:
        verbs, cross = _VERBS[task.purpose], self._points.cross
        cross("act:entered")
        self._happened(verbs.begun, task, self._ledger.durable(task.run_id))
        cross("act:begun")
        if task.purpose == "check":
            return self._look(task)
        fails, lingers = task.params.get("fails", 0), task.params.get("lingers", 0)
        assert isinstance(fails, int)
        assert isinstance(lingers, int | float)
        try:
            for _ in range(3):  # time for what goes on beside it
                await asyncio.sleep(0)
            if lingers:
                await asyncio.sleep(lingers)
        except asyncio.CancelledError:
            self._happened(verbs.cancelled, task)
            cross("act:cancelled")
            raise
        if self._ledger.count(verbs.failed, task.step_id) < fails:
            self._happened(verbs.failed, task)
            cross("act:done")
            return Failed("as it was told", 1)
        self._happened(verbs.done, task)
        cross("act:done")
        return Succeeded()

    def recollect(self, task: Task) -> Outcome | None:
        """Nothing is remembered."""
        return None

    def recorded(self) -> None:
        """Nothing is kept."""

    def close(self) -> None:
        """Nothing is shared."""

    def _look(self, task: Task) -> Outcome:
        """Whether the step's effect is there."""
        there = self._ledger.count("did", task.step_id) > self._ledger.count("undid", task.step_id)
        self._happened("looked", task)
        self._points.cross("act:done")
        return Succeeded() if there else Failed("its effect is not there", 1)

    def _happened(self, verb: str, task: Task, durable: int = -1) -> None:
        self._ledger.write(Effect(verb, task.step_id, task.attempt, durable))
