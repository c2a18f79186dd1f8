"""A run's journal, and the list of runs, for reading."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from fsm.run import events as on
from fsm.views.progress import event_line
from fsm.views.text import listed, shown, step_label

if TYPE_CHECKING:
    from pydantic import JsonValue

    from fsm.engine.journal import Record
    from fsm.engine.ports import RunSummary
    from fsm.run import Run

__all__ = ["log_line", "log_text", "record_json", "runs_text", "summary_json", "time_text"]


def time_text(at: float) -> str:
    """`2026-11-21 09:30:15` in local time."""
    return datetime.fromtimestamp(at, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def record_json(record: Record) -> dict[str, JsonValue]:
    """One record of the journal, with its place in the chain."""
    return {
        "seq": record.seq,
        "epoch": record.epoch,
        "at": record.at,
        "event": record.kind,
        "data": json.loads(record.data),
        "hash": record.hash,
    }


def log_line(run: Run, at: float, event: on.Event) -> str:
    """The time and what happened; of the run as it stood then, for what was unknown may be known now."""
    told = event_line(run, event, at) or _plain(run, event)
    return f"{time_text(at)}  {told.strip()}{_asked(event)}"


def log_text(lines: Sequence[str]) -> str:
    """The lines of a whole journal with the numbers of their records."""
    width = len(str(len(lines)))
    return "\n".join(f"{number:>{width}}  {line}" for number, line in enumerate(lines, 1))


def summary_json(run: RunSummary, *, died: bool) -> dict[str, JsonValue]:
    """One line of the list of runs; `died`: its process did, and it does not go on by itself."""
    return {
        "run": run.run_id,
        "plan": run.plan_id,
        "name": run.plan_name,
        "state": run.state,
        "process_died": died,
        "digest": run.digest,
        "created_at": run.created_at,
        "updated_at": run.updated_at,
    }


def runs_text(runs: Sequence[RunSummary], died: Collection[str] = ()) -> str:
    """A table of runs; `died` has the ids of those whose process did."""
    rows = [("RUN", "STATE", "PLAN", "LAST CHANGE")]
    rows += [(r.run_id, _state(r, died), shown(r.plan_id), time_text(r.updated_at)) for r in runs]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def _state(run: RunSummary, died: Collection[str]) -> str:
    return f"{run.state}, its process died" if run.run_id in died else run.state


def _asked(event: on.Event) -> str:
    """Who asked for it, what they said of steps, and why."""
    match event:
        case on.RunResumed(by=by, from_steps=again, rerun=rerun, done=done, reason=reason):
            answers = (("from", again), ("rerun", rerun), ("done", done))
            told = "".join(f"; {word}: {listed(steps)}" for word, steps in answers if steps)
        case on.RollbackRequested(by=by, reason=reason) | on.RunAborted(by=by, reason=reason):
            told = ""
        case _:
            return ""
    who = f" by {shown(by)}" if by else ""
    return who + told + (f" ({shown(reason)})" if reason else "")


def _plain(run: Run, event: on.Event) -> str:
    match event:
        case on.ProcessIdentified(step=step, pid=pid):
            of = run.record(step)
            return f"{step_label(of.index, of.step)} - is process {pid}"
        case _:
            kind = type(event).__name__
            return {"RunValidated": "validated", "RunStarted": "started"}.get(kind, kind)
