"""What may happen to a run that is explored, one thing at a time, and what the run makes of it by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal

from fsm.plan.model import Step
from fsm.plan.template import TemplateError, render, render_env
from fsm.run import commands as do
from fsm.run import events as on
from fsm.run.explore.outputs import Outputs
from fsm.run.run import Run
from fsm.values import Value

__all__ = ["FORCED", "Move", "begin", "fact", "follow", "renders"]

FORCED: Final = -1


class Move(Value):
    """One thing that happens, of its own or by a person. `step` is an index, -1 where none is meant;
    `choice` is the number of the outputs that it ends with, `FORCED` if it could not but fail."""

    what: Literal["completes", "fails", "undone", "undo_fails", "resume", "from", "rollback"]
    step: int = -1
    choice: int = 0


Apply = Callable[[on.Event], None]


def begin(run: Run, apply: Apply) -> None:
    """Approve, validate and start the run, and carry out what it says."""
    digest = run.plan.digest
    apply(on.RunApproved(digest, "check", "yes"))
    apply(on.RunValidated(digest))
    apply(on.RunStarted())
    follow(run, apply)


def fact(run: Run, move: Move, outputs: Mapping[str, Sequence[Outputs]]) -> on.Event:
    """The event that the move is to this run."""
    record = run.steps[move.step]
    match move.what:
        case "completes":
            ways = outputs.get(record.id)
            said = ways[move.choice] if ways else None
            return on.StepCompleted(record.id, record.attempt, 1.0, said)
        case "fails":
            return on.StepFailed(record.id, record.attempt, "exit code 1")
        case "undone":
            return on.UndoCompleted(record.id, record.undo_attempt)
        case "undo_fails":
            return on.UndoFailed(record.id, record.undo_attempt, "exit code 1")
        case "resume":
            return on.RunResumed(run.plan.digest)
        case "from":
            return on.RunResumed(run.plan.digest, from_steps=(record.id,))
        case "rollback":
            return on.RollbackRequested()


def follow(run: Run, apply: Apply) -> None:
    """Carry out the run's commands until it only waits: skips at once, as the executor does."""
    again = True
    while again:
        again = False
        for command in run.commands(0.0):
            again = True
            match command:
                case do.StartStep(step, attempt):
                    apply(on.StepStarted(step, attempt))
                case do.UndoStep(step, attempt):
                    apply(on.UndoStarted(step, attempt))
                case do.CancelStep(step):
                    apply(on.StepCancelled(step, run.record(step).attempt))
                case do.SkipStep(step, reason):
                    apply(on.StepSkipped(step, reason))
                    break
                case do.RejectStep(step, error):
                    apply(on.StepFailed(step, 0, error))
                    break
                case _:
                    raise AssertionError(command)


def renders(run: Run, step: Step, *, undo: bool) -> bool:
    """Whether the step, or its rollback, could be called now: its templates may ask for what is not there."""
    call = step.rollback.call if undo and step.rollback is not None else step.call
    names = {**run.names, "secrets": dict.fromkeys(run.plan.secrets, "secret")}
    try:
        render_env(step.env, names)
        render(call.params, names)
    except TemplateError:
        return False
    return True
