"""What should be done next, imperative. `Run.commands` makes these; an executor carries them out."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "CancelStep",
    "Command",
    "ProbeStep",
    "RejectStep",
    "SkipStep",
    "StartStep",
    "UndoStep",
    "Wait",
]


@dataclass(frozen=True, slots=True)
class StartStep:
    """Launch attempt `attempt` of the step, once the intent is durable (`StepStarted`)."""

    step: str
    attempt: int


@dataclass(frozen=True, slots=True)
class SkipStep:
    """Record that the step's own condition is false (`StepSkipped`)."""

    step: str
    reason: str


@dataclass(frozen=True, slots=True)
class RejectStep:
    """Record that the step's condition cannot be decided (`StepFailed` with attempt 0)."""

    step: str
    error: str


@dataclass(frozen=True, slots=True)
class ProbeStep:
    """Run the `check` of an interrupted step (`StepProbed`)."""

    step: str


@dataclass(frozen=True, slots=True)
class CancelStep:
    """End what the step has in flight (`StepCancelled`, or how it ended just before)."""

    step: str


@dataclass(frozen=True, slots=True)
class UndoStep:
    """Launch attempt `attempt` of the step's compensation, once the intent is durable (`UndoStarted`)."""

    step: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing more can be said before `until`, in seconds since the epoch, or the next event."""

    until: float


Command = StartStep | SkipStep | RejectStep | ProbeStep | CancelStep | UndoStep | Wait
