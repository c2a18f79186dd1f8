"""The facts of a run, past tense. A journal is a list of these and nothing else (DESIGN.md, "Words").

Each class is one kind of event. Its fields are JSON values; a field left at its default is not written.
Times are not here: the journal's record says when an event was written, and `retry_at` is the one moment
that a decision depends on. What every step brings has an `__init__` of its own, which is quicker than
that of all values.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from fsm.values import Value

if TYPE_CHECKING:
    from pydantic import JsonValue

__all__ = [
    "MASKED",
    "Event",
    "ProcessIdentified",
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


MASKED = "$masked"
"""The one key of the mapping that stands for an output which held a secret: the masked text is its value."""


class Event(Value):
    """What all events share: nothing but being one."""


class RunCreated(Event):
    """A run of the plan with this digest exists; its steps work in the folder `cwd`.

    `path` is the file that the plan was read from, `source` the SHA-256 of its bytes then. Where only the
    folder of that file is known, `folder` is it: what its skills name lies there.
    """

    digest: str
    by: str = ""
    cwd: str = ""
    path: str = ""
    source: str = ""
    folder: str = ""


class RunApproved(Event):
    """A person consented to `digest`; `how` is the face they used (prompt, approve, digest, yes)."""

    digest: str
    by: str
    how: str
    approved_at: float = 0.0


class RunValidated(Event):
    """Preflight of `digest` found nothing wrong; `checks` is how many checks that were."""

    digest: str
    checks: int = 0


class RunStarted(Event):
    """Forward work may begin."""


class RunPaused(Event):
    """Somebody asked to stop starting steps."""

    by: str = ""
    reason: str = ""


class RunResumed(Event):
    """Somebody asked to go on with the plan of `digest`.

    Failed steps are tried again. `from_steps` are sent back to pending with all that depend on them;
    `rerun` and `done` are a person's answers about interrupted steps, `reason` says why.
    """

    digest: str
    by: str = ""
    from_steps: tuple[str, ...] = ()
    rerun: tuple[str, ...] = ()
    done: tuple[str, ...] = ()
    reason: str = ""


class RollbackRequested(Event):
    """Somebody asked to undo what has been done."""

    by: str = ""
    reason: str = ""


class RunAborted(Event):
    """Somebody gave the run up; nothing is undone."""

    by: str = ""
    reason: str = ""


class RunnerLost(Event):
    """The process that drove the run died; what was in flight is interrupted: unknown."""

    by: str = ""


class StepStarted(Event):
    """The intent to launch attempt `attempt` (from 1, never reused); durable before any effect (I3)."""

    step: str
    attempt: int

    def __init__(self, step: str, attempt: int) -> None:
        self.__dict__.update(step=step, attempt=attempt)


class ProcessIdentified(Event):
    """The attempt in flight, forward or compensating, is this process: recorded if it lasts (F45, F46).

    `start` is in clock ticks since the machine started, and `boot` names that start.
    """

    step: str
    attempt: int
    pid: int
    start: int
    boot: str


class StepCompleted(Event):
    """Attempt `attempt` ended well. An output that held a secret is `{MASKED: text}`: no step can use it."""

    step: str
    attempt: int
    seconds: float = 0.0
    outputs: Mapping[str, JsonValue] | None = None

    def __init__(
        self,
        step: str,
        attempt: int,
        seconds: float = 0.0,
        outputs: Mapping[str, JsonValue] | None = None,
    ) -> None:
        self.__dict__.update(step=step, attempt=attempt, seconds=seconds, outputs=outputs)


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


class StepCancelled(Event):
    """Attempt `attempt` was ended by fsm, with all its processes."""

    step: str
    attempt: int
    reason: str = ""


class StepSkipped(Event):
    """The step's own condition is false, or what it depends on failed."""

    step: str
    reason: str = ""


class StepProbed(Event):
    """What the step's `check` says of an interrupted step, with the outputs that it found of one done."""

    step: str
    verdict: Literal["done", "not_done", "unknown"]
    error: str = ""
    outputs: Mapping[str, JsonValue] | None = None


class StepMarked(Event):
    """A person's word on a step, with a reason (DESIGN.md, semantics 7)."""

    step: str
    as_: Literal["done", "undone"]
    by: str
    reason: str


class UndoStarted(Event):
    """The intent to run attempt `attempt` (from 1, never reused) of the step's compensation."""

    step: str
    attempt: int

    def __init__(self, step: str, attempt: int) -> None:
        self.__dict__.update(step=step, attempt=attempt)


class UndoCompleted(Event):
    """Attempt `attempt` of the compensation undid the step."""

    step: str
    attempt: int
    seconds: float = 0.0

    def __init__(self, step: str, attempt: int, seconds: float = 0.0) -> None:
        self.__dict__.update(step=step, attempt=attempt, seconds=seconds)


class UndoFailed(Event):
    """Attempt `attempt` of the compensation failed; as `StepFailed`."""

    step: str
    attempt: int
    error: str
    seconds: float = 0.0
    exit_code: int | None = None
    tail: str = ""
    retry_at: float = 0.0


class UndoCancelled(Event):
    """Attempt `attempt` of the compensation was ended by fsm."""

    step: str
    attempt: int
    reason: str = ""


StepEvent = (
    StepStarted
    | ProcessIdentified
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
    kind: tuple((field.name, field.default) for field in kind.__dataclass_fields__.values())
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
