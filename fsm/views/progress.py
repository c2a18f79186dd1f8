"""A run as it happens: one line an event, as text or JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from fsm.plan.duration import format_duration
from fsm.run import events as on
from fsm.run.events import encode
from fsm.views.text import count, shown, step_label

if TYPE_CHECKING:
    from pydantic import JsonValue

    from fsm.run import Run

__all__ = ["event_json", "event_line", "masked_words"]


def event_json(run: Run, event: on.Event, at: float) -> str:
    """The event as one line of JSON; `at` is in seconds since the epoch."""
    kind, data = encode(event)
    return json.dumps({"event": kind, "run": run.run_id, "at": at, **data}, ensure_ascii=False)


def event_line(run: Run, event: on.Event, at: float | None = None) -> str | None:
    """The event in one line for people; `None` for those that say nothing of their own.

    `at` is when it was written: then a line says how long a retry is waited for, if that is noticed.
    """
    match event:
        case on.RunCreated():
            return f"Run {run.run_id}: {shown(run.plan.name)} ({count(len(run.steps), 'step')})"
        case on.RunApproved(by=by, how=how):
            return f"  approved by {shown(by)} ({how})"
        case on.RunPaused(reason=reason):
            return f"‖ {shown(reason)}: nothing more is started"
        case on.RunResumed():
            return f"Run {run.run_id}: resumed"
        case on.RollbackRequested():
            return f"Run {run.run_id}: rolling back"
        case on.RunAborted():
            return f"Run {run.run_id}: aborting"
        case on.RunnerLost():
            is_unknown = any(record.state == "interrupted" for record in run.steps)
            known = "what was in flight is unknown" if is_unknown else "nothing of it is unknown"
            return f"Run {run.run_id}: its process died; {known}"
        case on.RunValidated() | on.RunStarted():
            return None
        case _ if isinstance(event, on.StepEvent):
            return _step_line(run, event, at)
        case _:
            return None


def _step_line(run: Run, event: on.StepEvent, at: float | None) -> str | None:
    record = run.record(event.step)
    label = step_label(record.index, record.step)
    match event:
        case on.StepStarted(attempt=attempt):
            again = f" (attempt {attempt})" if attempt > 1 else ""
            return f"▶ {label} - started{again}"
        case on.ProcessIdentified():
            return None
        case on.StepCompleted(seconds=seconds, outputs=outputs):
            masked = masked_words(outputs or {})
            return f"✓ {label} - completed{_took(seconds)}" + (f"; {masked}" if masked else "")
        case on.StepFailed(error=error, attempt=attempt, retry_at=retry_at) if retry_at:
            return f"↻ {label} - attempt {attempt} failed: {shown(error)}; {_again(retry_at, at)}"
        case on.StepFailed(error=error):
            return f"✗ {label} - failed: {shown(error)}"
        case on.StepCancelled(reason=reason):
            return f"✗ {label} - cancelled: {shown(reason)}"
        case on.StepSkipped(reason=reason):
            return f"– {label} - skipped: {shown(reason)}"
        case on.StepProbed(verdict="done"):
            return f"✓ {label} - completed: its check finds it done"
        case on.StepProbed(verdict="not_done"):
            return f"↻ {label} - its check finds it not done"
        case on.StepProbed(error=error):
            return f"? {label} - unknown: {shown(error)}"
        case on.StepMarked(as_=as_, by=by, reason=reason):
            return f"✎ {label} - marked {as_} by {shown(by)}: {shown(reason)}"
        case on.UndoStarted(attempt=attempt):
            again = f" (attempt {attempt})" if attempt > 1 else ""
            return f"↶ {label} - rolling back{again}"
        case on.UndoCompleted(seconds=seconds):
            return f"✓ {label} - rolled back{_took(seconds)}"
        case on.UndoFailed(error=error, attempt=attempt, retry_at=retry_at) if retry_at:
            tried = f"rollback attempt {attempt} failed: {shown(error)}"
            return f"↻ {label} - {tried}; {_again(retry_at, at)}"
        case on.UndoFailed(error=error):
            return f"✗ {label} - rollback failed: {shown(error)}"
        case on.UndoCancelled(reason=reason):
            return f"✗ {label} - rollback cancelled: {shown(reason)}"


def masked_words(outputs: Mapping[str, JsonValue]) -> str:
    """What is said of outputs that held a secret; "" if none did."""
    names = [n for n, value in outputs.items() if isinstance(value, dict) and on.MASKED in value]
    if not names:
        return ""
    which = f"output{'s' if len(names) > 1 else ''} {', '.join(f'`{name}`' for name in names)}"
    return f"{which} held a secret and {'were' if len(names) > 1 else 'was'} masked: no step can use it"


def _again(retry_at: float, at: float | None) -> str:
    seconds = 0 if at is None else round(retry_at - at)
    return "to be tried again" + (f" in {format_duration(seconds)}" if seconds > 1 else "")


def _took(seconds: float) -> str:
    return f" in {format_duration(seconds)}" if seconds >= 1 else ""
