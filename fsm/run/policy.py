"""The plan machine: the shipped table, with the plan's own answers to the error table compiled into it."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from fsm.machine import Conditions, Machine, MachineSpec, load_table

if TYPE_CHECKING:
    from fsm.plan.model import ErrorHandling
    from fsm.run.standing import Standing

__all__ = ["plan_machine", "plan_spec"]

_DESTS = {
    "pause": "paused",
    "rollback": "rolling_back",
    "abort": "aborting",
    "alert": "needs_intervention",
}


@cache
def plan_spec(policy: ErrorHandling) -> MachineSpec:
    """The plan table with the dest of each `scenario` row as the policy says; `continue` stays where it is.

    This is the machine that `fsm diagram` draws and `fsm plan` prints.
    """
    spec = load_table("plan")
    answers = {
        "single_failure": policy.single_failure,
        "multiple_failures": policy.multiple_failures,
        "rollback_failure": policy.rollback_failure,
    }
    rows = tuple(
        replace(row, dest=_DESTS.get(answers[row.scenario], row.source[0])) if row.scenario else row
        for row in spec.rows
    )
    return replace(spec, rows=rows)


@cache
def plan_machine(policy: ErrorHandling) -> Machine[Standing]:
    """The machine of `plan_spec`, built once per policy and shared by every run that has it."""
    return Machine(plan_spec(policy), _conditions, prove=False)


_conditions: Conditions[Standing] = Conditions()


@_conditions.add
def approved(run: Standing) -> bool:
    return run.approved_digest == run.plan.digest


@_conditions.add
def validated(run: Standing) -> bool:
    return run.validated_digest == run.plan.digest


@_conditions.add
def digest_unchanged(run: Standing) -> bool:
    return run.offered_digest == run.plan.digest


@_conditions.add
def tolerated(run: Standing) -> bool:
    return run.failing is not None and run.failing.step.on_failure != "stop"


@_conditions.add
def several_failed(run: Standing) -> bool:
    return len(run.failed) >= run.plan.error_handling.several


@_conditions.add
def all_settled(run: Standing) -> bool:
    return run.unsettled == 0


@_conditions.add
def failure_remains(run: Standing) -> bool:
    return bool(run.causes)


@_conditions.add
def given_up(run: Standing) -> bool:
    return run.given_up


@_conditions.add
def can_go_on(run: Standing) -> bool:
    return run.can_go_on


@_conditions.add
def nothing_in_flight(run: Standing) -> bool:
    return not run.in_flight


@_conditions.add
def nothing_to_undo(run: Standing) -> bool:
    return run.next_to_undo is None


@_conditions.add
def unknown(run: Standing) -> bool:
    return any(record.effect_is_unknown for record in run.interrupted)
