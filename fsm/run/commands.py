"""What should be done next, imperative. `Run.commands` makes these; an executor carries them out."""

from __future__ import annotations

from fsm.values import Value

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


class StartStep(Value):
    """Launch attempt `attempt` of the step, once the intent is durable (`StepStarted`)."""

    step: str
    attempt: int

    def __init__(self, step: str, attempt: int) -> None:
        self.__dict__.update(step=step, attempt=attempt)


class SkipStep(Value):
    """Record that its own condition is false, or that what it depends on failed (`StepSkipped`)."""

    step: str
    reason: str


class RejectStep(Value):
    """Record that the step's condition cannot be decided (`StepFailed` with attempt 0)."""

    step: str
    error: str


class ProbeStep(Value):
    """Run the `check` of an interrupted step (`StepProbed`)."""

    step: str


class CancelStep(Value):
    """End what the step has in flight (`StepCancelled`, or how it ended just before)."""

    step: str


class UndoStep(Value):
    """Launch attempt `attempt` of the step's compensation, once the intent is durable (`UndoStarted`)."""

    step: str
    attempt: int

    def __init__(self, step: str, attempt: int) -> None:
        self.__dict__.update(step=step, attempt=attempt)


class Wait(Value):
    """Nothing more can be said before `until`, in seconds since the epoch, or the next event.

    That is when `step`, or its compensation, is to be tried again.
    """

    until: float
    step: str


Command = StartStep | SkipStep | RejectStep | ProbeStep | CancelStep | UndoStep | Wait
