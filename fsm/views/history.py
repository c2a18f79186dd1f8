"""The runs of one plan as a table, and what their journals tell together, for reading."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from fsm.plan.duration import brief_duration
from fsm.run import events as on
from fsm.views.cells import cells, cut, padded, wrap
from fsm.views.log import time_text
from fsm.views.text import count, shown

if TYPE_CHECKING:
    from pydantic import JsonValue

    from fsm.run.metrics import CommonError, RunMetrics, Statistics, StepStatistics

__all__ = ["ending", "history_json", "history_text", "statistics_json", "statistics_text"]

WIDTH = 80
_COUNTS = "✓✗↶↻"


def ending(metrics: RunMetrics, held: bool) -> str:
    """How the run came to rest, in one line, unless it went straight to its end; `held`: it goes on."""
    state = metrics.run.state
    if state == "completed":
        return f"after {count(metrics.resumes, 'resume')}" if metrics.resumes else ""
    if metrics.run.is_moving:
        return "a process drives it" if held else "its process died"
    match metrics.cause:
        case on.StepFailed(step=step, error=error):
            return f"step `{step}` failed: {shown(error)}"
        case on.UndoFailed(step=step, error=error):
            return f"the rollback of `{step}` failed: {shown(error)}"
        case on.RunPaused(reason=reason):
            return shown(reason)
        case on.RunAborted(by=by, reason=reason):
            return _asked("given up", by, reason)
        case on.RollbackRequested(by=by, reason=reason):
            return _asked("asked", by, reason)
        case on.RunnerLost():
            return "its process died"
    if metrics.failure is not None:
        return f"nothing can go on: step `{metrics.failure.step}` failed: {shown(metrics.failure.error)}"
    return "nothing can go on"


def history_text(runs: Sequence[RunMetrics], held: Mapping[str, bool]) -> str:
    """Two lines a run, at most `WIDTH` cells wide: figures, then who began it and how it ended.

    `held` tells by the run's id whether a process drives it.
    """
    rows = [
        (
            metrics.run.run_id,
            metrics.run.state,
            time_text(metrics.started_at)[:16],
            brief_duration(metrics.seconds),
            *map(str, _counts(metrics)),
        )
        for metrics in runs
    ]
    rows.insert(0, ("RUN", "STATE", "STARTED", "TOOK", *_COUNTS))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    excess = sum(widths) + 2 * (len(widths) - 1) - WIDTH
    widths[1] = max(widths[1] - max(excess, 0), 8)
    lines = [_row(row, widths) for row in rows]
    for place, metrics in reversed(list(enumerate(runs, 1))):
        how = ending(metrics, held[metrics.run.run_id])
        told = f"by {shown(metrics.by)}" + (f"; {how}" if how else "")
        lines.insert(place + 1, f"  {cut(told, WIDTH - 2)}")
    return "\n".join([*lines, "  ✓ steps done  ✗ failed  ↶ undone  ↻ retries"])


def history_json(metrics: RunMetrics, held: bool) -> dict[str, JsonValue]:
    """One run of a plan's history; times in seconds."""
    done, failed, undone, retries = _counts(metrics)
    return {
        "run": metrics.run.run_id,
        "state": metrics.run.state,
        "digest": metrics.run.plan.digest,
        "by": metrics.by,
        "started_at": metrics.started_at,
        "ended_at": metrics.ended_at,
        "seconds": round(metrics.seconds, 3),
        "steps": len(metrics.run.steps),
        "done": done,
        "failed": failed,
        "cancelled": metrics.cancelled,
        "undone": undone,
        "retries": retries,
        "resumes": metrics.resumes,
        "ending": ending(metrics, held),
    }


def statistics_text(view: Statistics) -> str:
    """The rates, and for each plan a table of its steps; at most `WIDTH` cells wide."""
    states = [
        f"{number} {state.replace('_', ' ')}"
        for state, number in sorted(view.states.items(), key=lambda item: (-item[1], item[0]))
    ]
    lines = [
        *wrap(f"{count(view.runs, 'run')}: {', '.join(states)}", WIDTH, hanging="  "),
        "",
        f"  success   {_rate(view.success_rate)}   {view.succeeded} completed of {view.ended} ended",
        f"  recovery  {_rate(view.recovery_rate)}   {view.recovered} completed of {view.troubled} "
        "failed, paused or interrupted",
    ]
    if view.error is not None:
        where = view.error.step if _one_plan(view) else f"{view.error.plan}, {view.error.step}"
        title = f"  most frequent error ({count(view.error.times, 'time')}): "
        told = f"{shown(where)}: {shown(view.error.error)}"
        lines += ["", title + cut(told, WIDTH - len(title))]
    plans = dict.fromkeys(step.plan for step in view.steps)
    for plan in plans:
        lines += ["", *([] if _one_plan(view) else [f"{shown(plan)}:"])]
        lines += _steps([step for step in view.steps if step.plan == plan])
    return "\n".join(lines)


def statistics_json(view: Statistics) -> dict[str, JsonValue]:
    """The statistics; rates from 0 to 1 and durations in seconds, `null` where there is nothing to tell."""
    return {
        "runs": view.runs,
        "states": dict(view.states),
        "ended": view.ended,
        "succeeded": view.succeeded,
        "success_rate": view.success_rate,
        "troubled": view.troubled,
        "recovered": view.recovered,
        "recovery_rate": view.recovery_rate,
        "most_frequent_error": _error_json(view.error),
        "steps": [
            {
                "plan": step.plan,
                "step": step.step,
                "attempts": step.attempts,
                "retries": step.retries,
                "failures": step.failures,
                "median_seconds": step.median_seconds,
                "p95_seconds": step.p95_seconds,
                "most_frequent_error": _error_json(step.error),
            }
            for step in view.steps
        ],
    }


def _counts(metrics: RunMetrics) -> tuple[int, int, int, int]:
    """Steps done, failed, undone, as `fsm status` lists them; and retries. Who was cancelled did not fail."""
    return (
        metrics.count("completed"),
        metrics.count("failed", "rollback_failed") - metrics.cancelled,
        metrics.count("rolled_back"),
        metrics.retries,
    )


def _asked(what: str, by: str, reason: str) -> str:
    return f"{what} by {shown(by or 'somebody')}" + (f": {shown(reason)}" if reason else "")


def _row(row: Sequence[str], widths: Sequence[int]) -> str:
    """Four columns of text, the others of numbers."""
    texts = [padded(cut(cell, room), room) for cell, room in zip(row[:4], widths[:4], strict=True)]
    numbers = [cell.rjust(room) for cell, room in zip(row[4:], widths[4:], strict=True)]
    return "  ".join([*texts, *numbers]).rstrip()


def _steps(steps: Sequence[StepStatistics]) -> list[str]:
    rows = [("STEP", "ATTEMPTS", "RETRIES", "FAILURES", "MEDIAN", "95%", "MOST FREQUENT ERROR")]
    rows += [
        (
            shown(step.step),
            str(step.attempts),
            str(step.retries),
            str(step.failures),
            _seconds(step.median_seconds),
            _seconds(step.p95_seconds),
            shown(step.error.error) if step.error is not None else "",
        )
        for step in steps
    ]
    widths = [max(cells(row[column]) for row in rows) for column in range(6)]
    widths[0] = min(widths[0], 24)
    lines = []
    for row in rows:
        numbers = [cell.rjust(room) for cell, room in zip(row[1:6], widths[1:], strict=True)]
        line = "  ".join([padded(cut(row[0], widths[0]), widths[0]), *numbers])
        lines.append(f"{line}  {cut(row[6], max(WIDTH - cells(line) - 2, 8))}".rstrip())
    return lines


def _seconds(seconds: float | None) -> str:
    return "–" if seconds is None else brief_duration(seconds)


def _rate(rate: float | None) -> str:
    return "   –" if rate is None else f"{rate:4.0%}"


def _one_plan(view: Statistics) -> bool:
    return len({step.plan for step in view.steps}) <= 1


def _error_json(error: CommonError | None) -> JsonValue:
    if error is None:
        return None
    return {"plan": error.plan, "step": error.step, "error": error.error, "times": error.times}
