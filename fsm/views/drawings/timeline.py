"""Timelines: when the attempts of a run were made, from its journal; and when those of a plan would be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from fsm.plan.duration import brief_duration
from fsm.plan.schedule import critical_path, schedule
from fsm.views.drawings.chart import Bar, Chart, ChartRow
from fsm.views.drawings.drawing import Colour
from fsm.views.log import time_text
from fsm.views.text import count, shown

if TYPE_CHECKING:
    from fsm.plan.model import Plan
    from fsm.run import Run
    from fsm.run.timeline import Attempt, Timeline

__all__ = ["plan_chart", "run_chart"]

MOST_ROWS = 500
MOST_GROUPS = 25
"""Beyond so many steps a row is a group of steps that follow each other, of at most so many groups."""

IDLE_SHARE = 0.25
"""A time in which nothing was at work is left out if it is longer than this share of all others."""

_COLOURS: Mapping[str, Colour] = {
    "completed": "good",
    "failed": "bad",
    "running": "active",
    "cancelled": "off",
    "interrupted": "doubt",
}


class _Axis(NamedTuple):
    """Seconds since the epoch to places on an axis from 0, long idle times left out."""

    start: float
    length: float
    gaps: Sequence[tuple[float, float]]  # where each begins, and how much of it is left out

    def place(self, at: float) -> float:
        left_out = sum(min(max(at - begin, 0.0), out) for begin, out in self.gaps)
        return at - self.start - left_out


def run_chart(run: Run, timeline: Timeline) -> Chart:
    """A row a step with a bar for each attempt, compensations included, and how each ended."""
    attempts = timeline.attempts
    axis = _axis(attempts)
    began = f", began {time_text(axis.start)}" if attempts else ": no step was begun"
    subtitle = f"run {run.run_id}: {run.state.replace('_', ' ')}{began}"
    groups = _groups(run.plan)
    of: dict[str, int] = {name: place for place, (_, ids) in enumerate(groups) for name in ids}
    bars: list[list[Attempt]] = [[] for _ in groups]
    for attempt in attempts:
        bars[of[attempt.step]].append(attempt)
    rows = []
    for (title, ids), made in zip(groups, bars, strict=True):
        record = run.record(ids[0])
        words = record.state.replace("_", " ") if len(ids) == 1 else _states(run, ids)
        took = sum(each.seconds for each in made if not each.undo)
        note = f"{words}, {brief_duration(took)}" if took else words
        rows.append(
            ChartRow(
                ids[0], title, tuple(_bar(axis, each) for each in made), note, f"{title}: {note}"
            )
        )
    breaks = [(axis.place(begin), f"{brief_duration(out)} idle") for begin, out in axis.gaps]
    return Chart(run.plan.name, subtitle, rows, axis.length, _ticks(axis.length), breaks)


def plan_chart(plan: Plan, known: Mapping[str, float]) -> Chart:
    """A row a step where it would be if nothing failed. `known`: seconds that it took in earlier runs.

    A step that never ran counts as long as the median of the others, 1 s if none did, and says so.
    """
    ordered = sorted(known.values())
    guess = ordered[len(ordered) // 2] if ordered else 1.0
    seconds = {step.id: known.get(step.id, guess) for step in plan.steps}
    times = schedule(plan, seconds)
    length = max(end for _, end in times.values())
    unknown = sum(step.id not in known for step in plan.steps)
    at_once = "one at a time" if plan.parallel == 1 else f"at most {plan.parallel} at once"
    if not known:
        said = "durations are unknown, each step counts alike"
    else:
        said = f"about {brief_duration(length)} by the median of earlier runs"
        said += f", {count(unknown, 'step')} unknown" if unknown else ""
    path = critical_path(plan, seconds)
    rows = []
    for title, ids in _groups(plan):
        bars = []
        for name in ids:
            about = brief_duration(known[name]) if name in known else "unknown"
            colour: Colour = "active" if name in known else "off"
            word = f"{'about ' if name in known else 'duration '}{about}"
            bars.append(Bar(*times[name], colour, "expected" if name in known else "unknown", word))
        note = bars[0].tooltip if len(ids) == 1 else ""
        note += ", critical" if len(ids) == 1 and known and len(path) > 1 and ids[0] in path else ""
        rows.append(ChartRow(ids[0], title, tuple(bars), note, f"{title}: {note}"))
    ticks = _ticks(length) if known else []
    return Chart(plan.name, f"{at_once}; {said}", rows, length, ticks)


def _groups(plan: Plan) -> list[tuple[str, list[str]]]:
    """A row a step, or, of very many, a row for steps that follow each other."""
    steps = plan.steps
    if len(steps) <= MOST_ROWS:
        return [(f"{n} {shown(step.name)}", [step.id]) for n, step in enumerate(steps, 1)]
    size = -(-len(steps) // MOST_GROUPS)
    groups = []
    for first in range(0, len(steps), size):
        ids = [step.id for step in steps[first : first + size]]
        groups.append((f"steps {first + 1}-{first + len(ids)}", ids))
    return groups


def _states(run: Run, ids: Sequence[str]) -> str:
    states = [run.record(name).state.replace("_", " ") for name in ids]
    return ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))


def _bar(axis: _Axis, attempt: Attempt) -> Bar:
    word = f"rollback {attempt.outcome}" if attempt.undo else attempt.outcome
    colour = _COLOURS[attempt.outcome]
    if attempt.undo and attempt.outcome in {"completed", "running"}:
        colour = "undone"
    tooltip = f"{attempt.step}: {word} after {brief_duration(attempt.seconds)}"
    return Bar(axis.place(attempt.start), axis.place(attempt.end), colour, word, tooltip)


def _axis(attempts: Sequence[Attempt]) -> _Axis:
    if not attempts:
        return _Axis(0.0, 0.0, ())
    ordered = sorted(attempts, key=lambda each: each.start)
    start, end = ordered[0].start, ordered[0].end
    idle: list[tuple[float, float]] = []
    for attempt in ordered:
        if attempt.start > end:
            idle.append((end, attempt.start - end))
        end = max(end, attempt.end)
    busy = (end - start) - sum(length for _, length in idle)
    least = busy * IDLE_SHARE
    # What is left of a long idle time is as wide as a twentieth of the work.
    gaps = [(begin, length - busy / 20) for begin, length in idle if length > max(least, 1.0)]
    return _Axis(start, end - start - sum(out for _, out in gaps), gaps)


def _ticks(length: float) -> list[tuple[float, str]]:
    """Between four and ten round places on an axis of that many seconds."""
    if length <= 0:
        return []
    steps = [base * 10.0**power for power in range(-3, 0) for base in (1, 2, 5)]
    steps += [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400]
    step = next((step for step in steps if length / step <= 8), length / 8)
    return [(n * step, brief_duration(n * step)) for n in range(int(length / step) + 1)]
