"""The facts of a run, past tense. A journal is a list of these and nothing else (DESIGN.md, "Words").

Each class is one kind of event. Its fields are JSON values; a field left at its default is not written.
Times are not here: the journal's record says when an event was written, and `retry_at` is the one moment
that a decision depends on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pydantic import JsonValue

__all__ = [
    "Event",
    "RollbackRequested",
    "RunAborted",
    "RunApproved",
    "RunCreated",
    "RunPaused",
    "RunResumed",
    "RunStarted",
    "RunValidated",
    "RunnerLost",
    "StepCancelled",
    "StepCompleted",
    "StepEvent",
    "StepFailed",
    "StepMarked",
    "StepProbed",
    "StepSkipped",
    "StepStarted",
    "UndoCancelled",
    "UndoCompleted",
    "UndoFailed",
    "UndoStarted",
    "decode",
    "encode",
]


class Event:
    """What all events share: nothing but being one."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class RunCreated(Event):
    """A run of the plan with this digest exists; its steps work in the folder `cwd`.

    `path` is the file that the plan was read from, `source` the SHA-256 of its bytes then.
    """

    digest: str
    by: str = ""
    cwd: str = ""
    path: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class RunApproved(Event):
    """A person consented to `digest`; `how` is the face they used (prompt, approve, digest, yes)."""

    digest: str
    by: str
    how: str
    approved_at: float = 0.0


@dataclass(frozen=True, slots=True)
class RunValidated(Event):
    """Preflight of `digest` found nothing wrong; `checks` is how many checks that were."""

    digest: str
    checks: int = 0


@dataclass(frozen=True, slots=True)
class RunStarted(Event):
    """Forward work may begin."""


@dataclass(frozen=True, slots=True)
class RunPaused(Event):
    """Somebody asked to stop starting steps."""

    by: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RunResumed(Event):
    """Somebody asked to go on with the plan of `digest`.

    Failed steps are tried again. `from_steps` are sent back to pending with all that depend on them;
    `rerun` and `done` are a person's answers about interrupted steps.
    """

    digest: str
    by: str = ""
    from_steps: tuple[str, ...] = ()
    rerun: tuple[str, ...] = ()
    done: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RollbackRequested(Event):
    """Somebody asked to undo what has been done."""

    by: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RunAborted(Event):
    """Somebody gave the run up; nothing is undone."""

    by: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RunnerLost(Event):
    """The process that drove the run died; what was in flight is interrupted: unknown."""

    by: str = ""


@dataclass(frozen=True, slots=True)
class StepStarted(Event):
    """The intent to launch attempt `attempt` (from 1, never reused); durable before any effect (I3)."""

    step: str
    attempt: int


@dataclass(frozen=True, slots=True)
class StepCompleted(Event):
    step: str
    attempt: int
    seconds: float = 0.0
    outputs: Mapping[str, JsonValue] | None = None


@dataclass(frozen=True, slots=True)
class StepFailed(Event):
    """Attempt `attempt` is known to have failed. `tail` is the last output, masked.

    `attempt` 0 is a step that failed before it was launched: its condition cannot be decided.
    The next attempt waits until `retry_at`, in seconds since the epoch; 0 if none is left.
    """

    step: str
    attempt: int
    error: str
    seconds: float = 0.0
    exit_code: int | None = None
    tail: str = ""
    retry_at: float = 0.0


@dataclass(frozen=True, slots=True)
class StepCancelled(Event):
    """Attempt `attempt` was ended by fsm, with all its processes."""

    step: str
    attempt: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class StepSkipped(Event):
    """The step's own condition is false."""

    step: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class StepProbed(Event):
    """What the step's `check` says of an interrupted step."""

    step: str
    verdict: Literal["done", "not_done", "unknown"]
    error: str = ""


@dataclass(frozen=True, slots=True)
class StepMarked(Event):
    """A person's word on a step, with a reason (DESIGN.md, semantics 7)."""

    step: str
    as_: Literal["done", "undone"]
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class UndoStarted(Event):
    """The intent to run attempt `attempt` (from 1, never reused) of the step's compensation."""

    step: str
    attempt: int


@dataclass(frozen=True, slots=True)
class UndoCompleted(Event):
    step: str
    attempt: int
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class UndoFailed(Event):
    """Attempt `attempt` of the compensation failed; as `StepFailed`."""

    step: str
    attempt: int
    error: str
    seconds: float = 0.0
    exit_code: int | None = None
    tail: str = ""
    retry_at: float = 0.0


@dataclass(frozen=True, slots=True)
class UndoCancelled(Event):
    """Attempt `attempt` of the compensation was ended by fsm."""

    step: str
    attempt: int
    reason: str = ""


StepEvent = (
    StepStarted
    | StepCompleted
    | StepFailed
    | StepCancelled
    | StepSkipped
    | StepProbed
    | StepMarked
    | UndoStarted
    | UndoCompleted
    | UndoFailed
    | UndoCancelled
)
"""The events that are about one step."""

_KINDS = {kind.__name__: kind for kind in Event.__subclasses__()}
_FIELDS = {
    kind: tuple((field.name, field.default) for field in fields(kind))  # type: ignore[arg-type]
    for kind in _KINDS.values()
}


def encode(event: Event) -> tuple[str, dict[str, JsonValue]]:
    """The event's kind and its fields as JSON values, those at their default left out."""
    kind = type(event)
    data = {
        name: value
        for name, default in _FIELDS[kind]
        if (value := getattr(event, name)) is not default and value != default
    }
    return kind.__name__, data


def decode(kind: str, data: Mapping[str, JsonValue]) -> Event:
    """The event that `encode` took apart. Raises `ValueError` if this version knows no such event."""
    event_class = _KINDS.get(kind)
    if event_class is None:
        raise ValueError(f"no event is called {kind!r}")
    try:
        return event_class(**{k: tuple(v) if isinstance(v, list) else v for k, v in data.items()})
    except TypeError as error:
        raise ValueError(f"{kind}: {error}") from None
