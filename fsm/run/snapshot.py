"""A run as one JSON value, and back: what a checkpoint stores, so that a long journal need not be replayed.

Only what the facts left is kept; what follows from it (which steps are ready, what is waited for) is found
anew. Order is meaning where steps are named in a list: it is the order in which they are undone or decided.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import TYPE_CHECKING, Any, cast

from fsm.run import events as on
from fsm.run.run import Run
from fsm.run.step import StepRecord, step_machine

if TYPE_CHECKING:
    from pydantic import JsonValue

    from fsm.plan.model import Plan

__all__ = ["restore", "snapshot"]

_DERIVED = frozenset({"run", "step", "index", "waiting", "queued"})
_KEPT: Mapping[str, object] = {
    f.name: {} if f.default is MISSING else f.default
    for f in fields(StepRecord)
    if f.name not in _DERIVED
}
_TYPES: Mapping[str, tuple[type, ...]] = {
    name: (int, type(None))
    if default is None
    else (float, int)
    if type(default) is float
    else (type(default),)
    for name, default in _KEPT.items()
}


def snapshot(run: Run) -> dict[str, JsonValue]:
    """The state of the run, as JSON: `restore` gives an equal run for the same plan."""
    return {
        "state": run.state,
        "created": None if run.created is None else on.encode(run.created)[1],
        "approval": None if run.approval is None else on.encode(run.approval)[1],
        "validated_digest": run.validated_digest,
        "stopped_because": run.stopped_because,
        "given_up": run.given_up,
        "failed": [*sorted(run.failed)],
        "in_flight": [record.id for record in run.in_flight.values()],
        "interrupted": [record.id for record in run.interrupted],
        "to_undo": [record.id for record in run.to_undo],
        "steps": {record.id: told for record in run.steps if (told := _without_defaults(record))},
    }


def restore(plan: Plan, run_id: str, state: Mapping[str, Any]) -> Run:
    """The run of which this is the `snapshot`. Raises `ValueError` if it is none of this plan."""
    try:
        run = Run(plan, run_id)
        run.state = _known(state["state"], run.states)
        if state["created"] is not None:
            run.created = cast(on.RunCreated, on.decode("RunCreated", state["created"]))
        if state["approval"] is not None:
            run.approval = cast(on.RunApproved, on.decode("RunApproved", state["approval"]))
        run.validated_digest = str(state["validated_digest"])
        run.stopped_because = str(state["stopped_because"])
        run.given_up = bool(state.get("given_up", False))
        run.failed = {run.record(step).id for step in state["failed"]}
        for step, told in state["steps"].items():
            _set(run.record(step), told)
        run.index(state["in_flight"], state["interrupted"], state["to_undo"])
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"it does not fit the plan: {error}") from None
    return run


def _without_defaults(record: StepRecord) -> dict[str, JsonValue]:
    return {
        name: value
        for name, default in _KEPT.items()
        if (value := getattr(record, name)) is not default and value != default
    }


def _set(record: StepRecord, told: Mapping[str, object]) -> None:
    for name, value in told.items():
        if type(value) not in _TYPES[name]:
            raise ValueError(f"`{name}` of step {record.id} is no {_TYPES[name][0].__name__}")
        setattr(record, name, value)
    _known(record.state, step_machine.spec.states)


def _known(state: object, states: Mapping[str, object]) -> str:
    if state not in states:
        raise ValueError(f"there is no state {state!r}")
    return str(state)
