"""One step within a run: a light record, and the conditions that the rows of `step.yaml` name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fsm.machine import Conditions, Machine, load_table

if TYPE_CHECKING:
    from pydantic import JsonValue

    from fsm.plan.model import Step
    from fsm.run.standing import Standing

__all__ = ["IN_FLIGHT", "StepRecord", "step_machine"]

IN_FLIGHT = frozenset({"running", "rolling_back"})
"""In which an attempt, forward or compensating, has begun and not concluded."""


@dataclass(slots=True, eq=False)
class StepRecord:
    """The state of one step. Only `Run.apply` writes it.

    `attempt` is the number of the last launch, never reused; `tries` counts the launches since a person
    last asked for it, which is what `retry.attempts` bounds. `waiting` is how many dependencies are not
    concluded. `undo_tries` counts those of its compensation likewise, without the interrupted ones.
    `outstanding` says that it completed and was not undone since, whatever its state now.
    `cause` is the failed step because of which the steps that depend on this one are skipped: this one,
    or the one that it was skipped for itself. `error`, `exit_code`, `tail` and `seconds` tell how the last
    attempt ended; `cancelled` that it was ended, for the reason in `error`, and did not fail by itself.
    `process` is that of the attempt in flight, as `PID START BOOT`, if it lasts.
    """

    run: Standing = field(repr=False)
    step: Step
    index: int
    state: str = "pending"
    attempt: int = 0
    tries: int = 0
    not_before: float = 0.0
    waiting: int = 0
    queued: bool = False
    concluded: bool = False
    outstanding: bool = False
    cause: str = ""
    check_failed: str = ""
    undo_attempt: int = 0
    undo_tries: int = 0
    error: str = ""
    cancelled: bool = False
    exit_code: int | None = None
    tail: str = ""
    seconds: float = 0.0
    marked: str = ""
    process: str = ""
    outputs: Mapping[str, JsonValue] = field(default_factory=dict)

    def tell(
        self,
        error: str = "",
        exit_code: int | None = None,
        tail: str = "",
        *,
        cancelled: bool = False,
    ) -> None:
        """How its last attempt ended, in place of what was told of the one before."""
        self.error, self.exit_code, self.tail, self.cancelled = error, exit_code, tail, cancelled

    @property
    def id(self) -> str:
        return self.step.id

    @property
    def in_flight(self) -> bool:
        """Whether an attempt, forward or compensating, has begun and not concluded."""
        return self.state in IN_FLIGHT

    @property
    def effect_is_unknown(self) -> bool:
        """Interrupted, and neither without effect nor with a compensation that copes (`on: started`)."""
        return self.state == "interrupted" and not (self.step.read_only or self.undone_when_started)

    @property
    def undone_when_started(self) -> bool:
        """Whether its compensation also undoes an attempt that did not complete."""
        return self.step.rollback is not None and self.step.rollback.on == "started"

    @property
    def can_be_rerun(self) -> bool:
        """Whether an interrupted step may be launched again without asking (I5, I8)."""
        return self.step.idempotent and not self.waiting and not self.dependency_failed

    @property
    def dependency_failed(self) -> str:
        """The id of the failed step because of which this one must be skipped; "" if there is none."""
        if not self.run.causes:
            return ""
        causes = (self.run.record(name).cause for name in self.step.depends_on)
        return next(filter(None, causes), "")

    @property
    def can_be_probed(self) -> bool:
        """Whether its `check` can still tell what an interruption left."""
        return self.step.check is not None and not self.check_failed


_conditions: Conditions[StepRecord] = Conditions()


@_conditions.add
def plan_running(record: StepRecord) -> bool:
    return record.run.state == "running"


@_conditions.add
def plan_rolling_back(record: StepRecord) -> bool:
    return record.run.state == "rolling_back"


@_conditions.add
def none_interrupted(record: StepRecord) -> bool:
    """What is unknown of any step is settled before another's turn comes (I17)."""
    return not record.run.interrupted


@_conditions.add
def dependencies_concluded(record: StepRecord) -> bool:
    return record.waiting == 0


@_conditions.add
def dependency_failed(record: StepRecord) -> bool:
    return bool(record.dependency_failed)


@_conditions.add
def skipped_for_failure(record: StepRecord) -> bool:
    return bool(record.cause)


@_conditions.add
def slot_free(record: StepRecord) -> bool:
    return len(record.run.in_flight) < record.run.plan.parallel


@_conditions.add
def alone(record: StepRecord) -> bool:
    return not record.run.in_flight


@_conditions.add
def conditional(record: StepRecord) -> bool:
    return record.step.condition is not None


@_conditions.add
def attempts_left(record: StepRecord) -> bool:
    return record.tries < record.step.retry.attempts


@_conditions.add
def idempotent(record: StepRecord) -> bool:
    return record.step.idempotent


@_conditions.add
def begun(record: StepRecord) -> bool:
    return record.attempt > 0 or record.outstanding


@_conditions.add
def next_to_undo(record: StepRecord) -> bool:
    return record.run.next_to_undo is record


step_machine: Machine[StepRecord] = Machine(load_table("step"), _conditions, prove=False)
