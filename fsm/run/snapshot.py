"""A run as one JSON value, and back: what a checkpoint stores, so that a long journal need not be replayed.

Only what the facts left is kept; what follows from it (which steps are ready, what is waited for) is found
anew. Order is meaning where steps are named in a list: it is the order in which they are undone or decided.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import MISSING, fields
from operator import attrgetter
from typing import TYPE_CHECKING, Any, cast

from fsm.plan.model import Outline, shape_of_steps
from fsm.run import events as on
from fsm.run.run import Run
from fsm.run.step import StepRecord, step_machine

if TYPE_CHECKING:
    from pydantic import JsonValue

    from fsm.plan.model import Plan

__all__ = ["outline", "restore", "snapshot"]

_LIKE: Mapping[str, Mapping[str, JsonValue]] = {
    "completed": {
        "attempt": 1,
        "tries": 1,
        "concluded": True,
        "outstanding": True,
        "exit_code": 0,
    },
}
"""What most steps in a state have in common: not told of each, as there may be thousands."""

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
_OTHERS = tuple(name for name in _KEPT if name not in {"state", "seconds"})
_FRESH = tuple(_KEPT[name] for name in _OTHERS)
_USUAL = {
    state: tuple({**_KEPT, **told}[name] for name in _OTHERS) for state, told in _LIKE.items()
}
_STATES = step_machine.spec.states
_others = attrgetter(*_OTHERS)


def snapshot(run: Run) -> dict[str, Any]:
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
        "like": _LIKE,
        "steps": {record.id: _told(record) for record in run.steps},
        "after": run.plan.outline.after,
        "starts": run.plan.outline.starts,
        "shape": shape_of_steps(),
    }


def outline(state: Mapping[str, Any]) -> Outline | None:
    """What the `snapshot` tells of the plan's document; `None` if it tells nothing, as those of version 1.

    And `None` if it was written where steps may hold other things than here: that one cannot be read must not
    be found out when others have run.
    """
    starts = state.get("starts")
    if not starts or state.get("shape") != shape_of_steps():
        return None
    return Outline([*state["steps"]], state["after"], starts)


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
        _set(run, state["steps"], state.get("like", {}))
        run.index(state["in_flight"], state["interrupted"], state["to_undo"])
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"it does not fit the plan: {error}") from None
    return run


def _told(record: StepRecord) -> dict[str, JsonValue]:
    """What distinguishes the step from others in its state; how long it took mostly does."""
    told: dict[str, JsonValue] = {}
    if record.state != "pending":
        told["state"] = record.state
    if record.seconds:
        told["seconds"] = record.seconds
    usual, values = _USUAL.get(record.state, _FRESH), _others(record)
    if values != usual:
        pairs = zip(_OTHERS, values, usual, strict=True)
        told |= {name: value for name, value, common in pairs if value != common}
    return told


def _set(run: Run, steps: Mapping[str, Mapping[str, Any]], like: Mapping[str, Any]) -> None:
    common = {_known(state, _STATES): _typed(told) for state, told in like.items()}
    positions, records = run.plan.positions, run.steps
    for name, told in steps.items():
        record = records[positions[name]]
        for field, value in common.get(told.get("state", "pending"), ()):
            setattr(record, field, value)
        for field, value in _typed(told):
            setattr(record, field, value)
        if record.state == "completed":
            record.error = ""  # an older fsm left there what an interruption had said
        elif record.state not in _STATES:
            _known(record.state, _STATES)


def _typed(told: Mapping[str, Any]) -> Collection[tuple[str, Any]]:
    for name in told:
        if type(told[name]) not in _TYPES[name]:
            raise ValueError(f"`{name}` of a step is no {_TYPES[name][0].__name__}")
    return told.items()


def _known(state: object, states: Mapping[str, object]) -> str:
    if state not in states:
        raise ValueError(f"there is no state {state!r}")
    return str(state)
