"""Which finished runs may be forgotten: pure, over what a store lists."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

from fsm.engine.ports import FINAL_STATES, RunSummary
from fsm.plan.duration import format_duration

__all__ = ["Kept", "choose", "recent"]


class Kept(NamedTuple):
    """A run that stays, and why, in words that fit after "kept:"."""

    run: RunSummary
    why: str


def choose(
    runs: Sequence[RunSummary],
    *,
    keep: int | None,
    older_than_seconds: float | None,
    now: float,
    holder: Callable[[str], int | None],
) -> tuple[list[RunSummary], list[Kept]]:
    """The runs to remove and those to keep, both in the order of `runs`: newest first.

    Of each plan the newest `keep` finished runs stay; so does a run whose last record is not older than
    `older_than_seconds`. With both, what either keeps stays. An unfinished run stays always, and so does one
    that a process holds, as `holder` tells.
    """
    finished: Counter[str] = Counter()
    removed: list[RunSummary] = []
    kept: list[Kept] = []
    for run in runs:
        if run.state not in FINAL_STATES:
            kept.append(Kept(run, f"unfinished ({run.state})"))
            continue
        finished[run.plan_id] += 1
        if keep is not None and finished[run.plan_id] <= keep:
            kept.append(Kept(run, f"among the newest {keep} finished of its plan"))
        elif older_than_seconds is not None and now - run.updated_at <= older_than_seconds:
            kept.append(Kept(run, f"ended within {format_duration(older_than_seconds)}"))
        elif (pid := holder(run.run_id)) is not None:
            kept.append(Kept(run, f"held by a process{f' (pid {pid})' if pid else ''}"))
        else:
            removed.append(run)
    return removed, kept


def recent(runs: Sequence[RunSummary], newest: int = 20) -> list[RunSummary]:
    """The newest runs, and every unfinished one before them; `runs` come newest first."""
    return [
        run for place, run in enumerate(runs) if place < newest or run.state not in FINAL_STATES
    ]
