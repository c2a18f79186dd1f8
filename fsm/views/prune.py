"""What was removed of the history and what was kept, for reading."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fsm.views.cells import wrap
from fsm.views.log import time_text
from fsm.views.text import count, shown

if TYPE_CHECKING:
    from pydantic import JsonValue

    from fsm.engine.ports import RunSummary
    from fsm.engine.retention import Kept

__all__ = ["kept_text", "prune_json", "removed_text"]

WIDTH = 80
_MOST = 5


def removed_text(title: str, runs: Sequence[RunSummary]) -> str:
    """One line a run below the title, such as `removed`."""
    lines = [f"{title} {count(len(runs), 'run')} with their logs:"]
    lines += [
        f"  {run.run_id}  {run.state:<11}  {time_text(run.updated_at)}  {shown(run.plan_id)}"
        for run in runs
    ]
    return "\n".join(lines)


def kept_text(kept: Sequence[Kept]) -> str:
    """The reasons, and the runs that stay for each; of many the newest."""
    reasons: dict[str, list[str]] = {}
    for run, why in kept:
        reasons.setdefault(why, []).append(run.run_id)
    lines = [f"kept {count(len(kept), 'run')}:"]
    for why, ids in reasons.items():
        more = f" and {len(ids) - _MOST} more" if len(ids) > _MOST else ""
        told = wrap(f"{why}: {', '.join(ids[:_MOST])}{more}", WIDTH - 2, hanging="  ")
        lines += [f"  {line}" for line in told]
    return "\n".join(lines)


def prune_json(
    removed: Sequence[RunSummary], kept: Sequence[Kept], *, dry_run: bool
) -> dict[str, JsonValue]:
    """What was removed, or with `dry_run` would be, and what was kept, each with its reason."""
    return {
        "dry_run": dry_run,
        "removed": [
            {"run": run.run_id, "plan": run.plan_id, "state": run.state} for run in removed
        ],
        "kept": [{"run": run.run_id, "plan": run.plan_id, "why": why} for run, why in kept],
    }
