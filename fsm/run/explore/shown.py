"""Whether a scenario, played, shows what the search saw on its way."""

from __future__ import annotations

from collections.abc import Sequence

from fsm.plan.model import Plan
from fsm.run import events as on
from fsm.run.explore.sights import Sighting
from fsm.run.simulate import Simulator

__all__ = ["shows"]


def shows(plan: Plan, sighting: Sighting, simulator: Simulator) -> bool:
    """Whether what was seen happens in the run that was played."""
    run, journal = simulator.run, simulator.journal
    record = run.steps[sighting.step]
    other = plan.steps[sighting.other].id if sighting.other >= 0 else ""
    match sighting.sight:
        case "left_rolled_back":
            return run.state == "rolled_back" and record.outstanding
        case "left_failed":
            return run.state == "failed" and record.outstanding
        case "unproved":
            return run.state == "completed" and record.state != "completed"
        case "irreversible_before":
            return run.record(other).outstanding and _failed_after(journal, record.id, other)
        case "need_missing":
            return record.state == "rollback_failed" and run.state == "needs_intervention"
        case "need_undone":
            return _undone_before(journal, other, record.id)
        case "skipped":
            return record.state == "skipped"
        case "rejected":
            return record.state == "failed" and not record.attempt


def _undone_before(journal: Sequence[on.Event], one: str, other: str) -> bool:
    undone = [e.step for e in journal if isinstance(e, on.UndoCompleted)]
    begun = [e.step for e in journal if isinstance(e, on.UndoStarted)]
    return one in undone and other in begun and begun.index(one) < begun.index(other)


def _failed_after(journal: Sequence[on.Event], one: str, other: str) -> bool:
    done = False
    for event in journal:
        done = done or (isinstance(event, on.StepCompleted) and event.step == other)
        if done and isinstance(event, on.StepFailed) and event.step == one:
            return True
    return False
