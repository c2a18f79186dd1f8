"""What should happen now: read off where a run stands. No fact comes of asking."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fsm.run import commands as do

if TYPE_CHECKING:
    from fsm.run.standing import Standing
    from fsm.run.step import StepRecord

__all__ = ["backward", "commands", "forward", "resolve"]


def commands(run: Standing, now: float) -> list[do.Command]:
    """What should happen at `now`, in seconds since the epoch (`Run.commands`)."""
    if run.state == "running":
        return resolve(run) if run.interrupted else forward(run, now)
    if run.state == "rolling_back":
        return backward(run, now)
    if run.state == "aborting":
        return [do.CancelStep(record.id) for record in run.in_flight.values()]
    return []


def resolve(run: Standing) -> list[do.Command]:
    """Interrupted steps come first, and nothing else starts beside them (I17).

    They all were in flight at once, so there is room for all.
    """
    decided: list[do.Command] = []
    for record in run.interrupted:
        if record.can_be_probed:
            decided.append(do.ProbeStep(record.id))
        elif record.can_be_rerun:
            decided.append(do.StartStep(record.id, record.attempt + 1))
    return decided


def forward(run: Standing, now: float) -> list[do.Command]:
    """Start what is ready, as far as there are free slots; a sequential plan waits for a retry."""
    delayed = run.wake(now)
    if run.plan.parallel == 1 and delayed is not None:
        return [do.Wait(delayed.not_before, delayed.id)]
    decided: list[do.Command] = []
    for record in run.ready(run.plan.parallel - len(run.in_flight)):
        decided.append(_turn(run, record))
        if not isinstance(decided[-1], do.StartStep):
            break  # its fact may change what comes after it
    if delayed is not None:
        decided.append(do.Wait(delayed.not_before, delayed.id))
    return decided


def backward(run: Standing, now: float) -> list[do.Command]:
    """End what is in flight, have checks decide what is unknown, then undo, the last effect first."""
    going_forward = [r for r in run.in_flight.values() if r.state == "running"]
    if going_forward:
        return [do.CancelStep(record.id) for record in going_forward]
    if run.in_flight:
        return []
    # Also for a check that is in flight from before the rollback; what none can decide ends the rollback.
    checks = [record for record in run.interrupted if record.can_be_probed]
    if checks:
        return [do.ProbeStep(record.id) for record in checks]
    record = run.next_to_undo
    if record is None:
        return []
    if record.state == "rollback_failed" and record.not_before > now:
        return [do.Wait(record.not_before, record.id)]
    return [do.UndoStep(record.id, record.undo_attempt + 1)]


def _turn(run: Standing, record: StepRecord) -> do.Command:
    """The step's turn has come: what its dependencies and its own condition say of it."""
    if failed := record.dependency_failed:
        return do.SkipStep(record.id, f"{failed} failed")
    if record.step.condition is not None and not record.tries:
        from fsm.plan.template import TemplateError, evaluate

        try:
            if not evaluate(record.step.condition, run.names):
                return do.SkipStep(record.id, f"`if: {record.step.condition}` is false")
        except TemplateError as error:
            return do.RejectStep(record.id, f"`if: {record.step.condition}`: {error}")
    return do.StartStep(record.id, record.attempt + 1)
