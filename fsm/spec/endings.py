"""What a specification says of its plan's steps: how each attempt, compensation and check will end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from fsm.plan.duration import format_duration
from fsm.run.endings import SUCCEEDS, Ending, Purpose

if TYPE_CHECKING:
    from pydantic import JsonValue

    from fsm.plan.model import Step

__all__ = ["CANNOT_TELL", "NOT_DONE", "Script", "TimedOut", "Unrendered", "limited", "timed_out"]

NOT_DONE = Ending("failed", 0.0, error="exit code 1", exit_code=1)
CANNOT_TELL = Ending("failed", 0.0, error="exit code 2", exit_code=2)


@dataclass(frozen=True, slots=True)
class Unrendered(Ending):
    """The attempt fails before anything is called: a template cannot be rendered."""


@dataclass(frozen=True, slots=True)
class TimedOut(Ending):
    """The step's timeout ends the attempt, at its `seconds`."""


@dataclass
class _Part:
    """How the attempts after number `after` end: the last ending holds for all later ones."""

    after: int
    endings: Sequence[Ending]


@dataclass
class Script:
    """The endings that were said, by step and purpose, and by outputs; whatever else happens succeeds."""

    _parts: dict[tuple[str, Purpose], _Part] = field(default_factory=dict)
    _seconds: dict[tuple[str, Purpose], float] = field(default_factory=dict)
    _outputs: dict[str, dict[str, JsonValue]] = field(default_factory=dict)

    def say(
        self, step: str, purpose: Purpose, endings: Sequence[Ending], *, after: int = 0
    ) -> None:
        """From the attempt that follows number `after`, it ends like this."""
        self._parts[step, purpose] = _Part(after, endings)

    def takes(self, step: str, purpose: Purpose, seconds: float) -> None:
        """However it ends, each attempt takes so long."""
        self._seconds[step, purpose] = seconds

    def tells_time(self, step: str, purpose: Purpose) -> bool:
        """Whether it was said how long each attempt takes."""
        return (step, purpose) in self._seconds

    def returns(self, step: str, name: str, value: JsonValue) -> None:
        """The step returns this output whenever it succeeds."""
        self._outputs.setdefault(step, {})[name] = value

    def returns_nothing(self, step: str) -> None:
        """The step returns no output, not even one that others ask for."""
        self._outputs[step] = {}

    def speaks_of(self, step: str, purpose: Purpose) -> bool:
        """Whether anything was said of it: if not, a real run does the real thing."""
        of_outputs = purpose == "run" and step in self._outputs
        return of_outputs or (step, purpose) in self._parts or (step, purpose) in self._seconds

    def ending(self, step: str, attempt: int, purpose: Purpose, asked: Mapping[str, str]) -> Ending:
        """How that attempt ends. `asked` are the outputs that the plan asks of the step, with stand-ins."""
        part = self._parts.get((step, purpose))
        if part is None:
            ending = SUCCEEDS
        else:
            index = max(0, attempt - part.after - 1)
            ending = part.endings[min(index, len(part.endings) - 1)]
        if self.tells_time(step, purpose) and not isinstance(ending, TimedOut):
            ending = replace(ending, seconds=self._seconds[step, purpose])
        if purpose == "run" and ending.how == "succeeded":
            outputs: Mapping[str, JsonValue] = self._outputs.get(step, asked)
            missing = asked if outputs else {}
            ending = replace(ending, outputs={**missing, **outputs} or None)
        return ending


def timed_out(seconds: float) -> TimedOut:
    """An attempt that its timeout ended."""
    error = f"timed out after {format_duration(seconds)}"
    return TimedOut("failed", seconds, error=error, exit_code=None)


def limited(ending: Ending, step: Step, purpose: Purpose, *, is_told: bool) -> Ending:
    """The ending, or that of the timeout if the attempt would take longer.

    Only a time that the specification told is held against it: else the attempt takes half of the timeout.
    """
    timeout = step.timeout_seconds
    if purpose == "rollback" and step.rollback is not None:
        timeout = step.rollback.timeout_seconds
    if timeout is None or ending.seconds <= timeout:
        return ending
    return timed_out(timeout) if is_told else replace(ending, seconds=timeout / 2)
