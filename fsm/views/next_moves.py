"""What a person can do about a run now: commands, the likeliest first, each with what comes of it."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from fsm.views.text import count, names

if TYPE_CHECKING:
    from fsm.run import Run, StepRecord

__all__ = ["moves_past_survivors", "next_moves", "stuck", "to_be_retried"]


def next_moves(run: Run, held: bool) -> list[tuple[str, str]]:
    """The commands that make sense in this state, the likeliest first."""
    run_id = shlex.quote(run.run_id)
    rollback = (f"rollback {run_id}", _undo_words(run))
    abort = (f"abort {run_id}", "give up; nothing is undone")
    unknown = [record for record in run.steps if record.state == "interrupted"]
    match run.state:
        case "paused" if unknown:
            step = unknown[0].id
            return [
                (f"resume {run_id} --rerun {step}", "run it again: you know that is safe"),
                (f"resume {run_id} --done {step}", "go on: you saw that it was done"),
                (
                    f"mark {step} undone --run {run_id} --reason …",
                    "before a rollback: it had no effect",
                ),
            ]
        case "paused":
            return [(f"resume {run_id}", _resume_words(run)), rollback, abort]
        case "needs_intervention":
            marks = []
            for record in stuck(run)[:1]:
                mark, tail = f"mark {record.id}", f"--run {run_id} --reason …"
                marks.append((f"{mark} undone {tail}", "it has no effect any more: you saw to it"))
                if record.state == "interrupted":
                    marks.append((f"{mark} done {tail}", "it was done, and is to be undone"))
            return [*marks, (f"rollback {run_id}", "go on with the rollback"), abort]
        case "failed" if not run.given_up:
            return [(f"resume {run_id}", _resume_words(run)), rollback]
        case "failed":
            return [rollback]
        case "running" | "rolling_back" | "aborting" if held:
            return [abort]
        case "running":
            return [(f"resume {run_id}", "take it up where it was left"), abort]
        case "rolling_back":
            return [(f"rollback {run_id}", "go on; what was being undone is undone again"), abort]
        case "aborting":
            return [(f"abort {run_id}", "end it")]
        case _:
            return []


def moves_past_survivors(run: Run) -> list[tuple[str, str]]:
    """The same, while a step that outlived its runner is at work: each command says what is to come of it."""
    moves = next_moves(run, held=False)
    likeliest, what = moves[0]
    return [
        (f"{likeliest} --wait", f"wait until the step has ended; {what}"),
        *((f"{command} --terminate", f"end the step; {what}") for command, what in moves),
    ]


def stuck(run: Run) -> list[StepRecord]:
    """The steps that keep a rollback from going on."""
    return [r for r in run.steps if r.state in {"rollback_failed", "interrupted"}]


def to_be_retried(run: Run) -> list[StepRecord]:
    """The failed steps that a resume tries again: all but those that the plan tolerates."""
    return [r for r in run.steps if r.state == "failed" and (r.cause or not r.concluded)]


def _resume_words(run: Run) -> str:
    failed = to_be_retried(run)
    words = f"try {names(failed)} again and go on" if failed else "go on"
    policy = run.plan.error_handling
    if policy.multiple_failures == "rollback" and len(run.failed) + 1 >= policy.several:
        words += "; if another step fails, all is rolled back"
    return words


def _undo_words(run: Run) -> str:
    """What a rollback would undo; `on: started` reaches steps that did not complete."""
    if not run.to_undo:
        return "end it; no completed step has a rollback"
    completed = sum(record.outstanding for record in run.to_undo)
    begun = len(run.to_undo) - completed
    words = [count(completed, "completed step")] if completed else []
    if begun:
        words.append(f"{begun if completed else count(begun, 'step')} that did not complete")
    return f"undo {' and '.join(words)}, the last first"
