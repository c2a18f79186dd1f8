"""When each attempt of a run was made, and how it ended. Pure: times go in with the facts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from fsm.run import events as on

if TYPE_CHECKING:
    from fsm.run.run import Run

__all__ = ["Attempt", "Timeline"]

Outcome = Literal["running", "completed", "failed", "cancelled", "interrupted"]


@dataclass(slots=True)
class Attempt:
    """One attempt of a step, or of its compensation (`undo`); times in seconds since the epoch.

    `end` is the last moment that is known of it: of one that runs, and of one whose runner died, that of
    the last record before.
    """

    step: str
    undo: bool
    start: float
    end: float
    outcome: Outcome = "running"

    @property
    def seconds(self) -> float:
        """How long it took; 0 if the clock went back."""
        return max(0.0, self.end - self.start)


class Timeline:
    """Watches the fold of a journal: `observe` is called after each fact was applied."""

    def __init__(self) -> None:
        self.attempts: list[Attempt] = []
        self._last: dict[tuple[str, bool], Attempt] = {}
        self._at = 0.0

    def observe(self, _: Run, at: float, event: on.Event) -> None:
        """Take note of a fact, written at `at`."""
        match event:
            case on.StepStarted(step=step):
                self._begin(step, False, at)
            case on.UndoStarted(step=step):
                self._begin(step, True, at)
            case on.StepCompleted(step=step):
                self._end(step, False, at, "completed")
            case on.StepFailed(step=step, attempt=attempt) if attempt:
                self._end(step, False, at, "failed")
            case on.StepCancelled(step=step):
                self._end(step, False, at, "cancelled")
            case on.UndoCompleted(step=step):
                self._end(step, True, at, "completed")
            case on.UndoFailed(step=step):
                self._end(step, True, at, "failed")
            case on.UndoCancelled(step=step):
                self._end(step, True, at, "cancelled")
            case on.RunnerLost():
                for each in self._running():
                    each.outcome, each.end = "interrupted", max(each.start, self._at)
        self._at = at

    def finish(self) -> None:
        """Let what still runs reach to the last record."""
        for attempt in self._running():
            attempt.end = max(attempt.start, self._at)

    def seconds(self, step: str) -> float:
        """How long the step's attempts took together, those of its compensation not counted."""
        return sum(each.seconds for each in self.attempts if each.step == step and not each.undo)

    def _begin(self, step: str, undo: bool, at: float) -> None:
        attempt = Attempt(step, undo, at, at)
        self.attempts.append(attempt)
        self._last[step, undo] = attempt

    def _end(self, step: str, undo: bool, at: float, outcome: Outcome) -> None:
        attempt = self._last.get((step, undo))
        if attempt is not None:
            attempt.end, attempt.outcome = max(attempt.start, at), outcome

    def _running(self) -> list[Attempt]:
        return [each for each in self._last.values() if each.outcome == "running"]
