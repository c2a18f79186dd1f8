"""Where the steps of a run stand, and the indexes that save looking at every one of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from heapq import heappop, heappush
from typing import TYPE_CHECKING

from fsm.run.scope import scope
from fsm.run.step import IN_FLIGHT, StepRecord

if TYPE_CHECKING:
    from fsm.plan.model import Plan
    from fsm.run import events as on

__all__ = ["Standing"]


class Standing:
    """What is known of a run. `state` is the plan machine's; `steps` are in execution order.

    `failed` holds the ids of the distinct steps that failed and are not tolerated: what "several"
    counts (S0, error table). `causes` holds the indexes of the steps whose dependents are skipped: those
    that failed with `on_failure: skip_dependents`, and those that were skipped for one of them. `unsettled`
    counts the steps that still stand between now and the end. `given_up` says that the run was aborted.
    The indexes (ready, delayed, in flight, interrupted, to undo) follow from the steps' states.
    """

    def __init__(self, plan: Plan, run_id: str = "") -> None:
        self.plan = plan
        self.run_id = run_id
        self.state = "pending"
        self.steps = [StepRecord(self, step, index) for index, step in enumerate(plan.steps)]
        self.failed: set[str] = set()
        self.given_up = False
        self.created: on.RunCreated | None = None
        self.approval: on.RunApproved | None = None
        self.validated_digest = ""
        self.offered_digest = ""
        self.failing: StepRecord | None = None
        self.stopped_because = ""
        self._dependents: list[list[StepRecord]] = [[] for _ in self.steps]
        for record in self.steps:
            for dependency in record.step.depends_on:
                self._dependents[plan.positions[dependency]].append(record)
        self.index()

    def index(
        self,
        in_flight: Iterable[str] = (),
        interrupted: Iterable[str] = (),
        to_undo: Iterable[str] = (),
    ) -> None:
        """Find the indexes anew from the steps' states; of these three, the order of the ids is kept.

        Raises `ValueError` if they are not the steps that their states say, `KeyError` for an unknown id.
        """
        self.in_flight = self._those(in_flight, IN_FLIGHT)
        self._interrupted = self._those(interrupted, {"interrupted"})
        self._undo = self._those(to_undo)
        self._ready: list[int] = []
        self._delayed: list[tuple[float, int]] = []
        self.causes = {record.index for record in self.steps if record.cause}
        unsettled = [record for record in self.steps if not record.concluded]
        self.unsettled = len(unsettled)
        for record in self.steps:
            record.queued, record.waiting = False, 0
        for record in unsettled:
            for dependent in self._dependents[record.index]:
                dependent.waiting += 1
        for record in unsettled:
            if record.state == "pending" and not record.waiting:
                self._queue(record)

    def _those(
        self, ids: Iterable[str], states: Collection[str] | None = None
    ) -> dict[int, StepRecord]:
        those = {record.index: record for record in map(self.record, ids)}
        if states and those.keys() != {r.index for r in self.steps if r.state in states}:
            raise ValueError("its lists of steps do not agree with their states")
        return those

    def record(self, step_id: str) -> StepRecord:
        """The step of that id. Raises `KeyError` if the plan has none."""
        return self.steps[self.plan.positions[step_id]]

    @property
    def names(self) -> Mapping[str, object]:
        """What templates and conditions may use, as it stands now."""
        return scope(self)

    @property
    def approved_digest(self) -> str:
        return self.approval.digest if self.approval else ""

    @property
    def interrupted(self) -> Collection[StepRecord]:
        """The steps whose effect nobody knows, in execution order of their interruption."""
        return self._interrupted.values()

    @property
    def to_undo(self) -> Collection[StepRecord]:
        """What a rollback would undo, the first effect first: effects that are outstanding, and begun steps
        that are undone `on: started`."""
        return self._undo.values()

    @property
    def next_to_undo(self) -> StepRecord | None:
        """The step whose effect came last and is outstanding, among those that can be undone."""
        return self._undo[next(reversed(self._undo))] if self._undo else None

    @property
    def can_go_on(self) -> bool:
        """Whether anything can still happen in `running` without a person."""
        if self.in_flight:
            return True
        if self._interrupted:
            return any(r.can_be_probed or r.can_be_rerun for r in self._interrupted.values())
        return self._has_ready() or self._next_delayed() is not None

    @property
    def has_ended(self) -> bool:
        """Whether it ended so that nobody can resume it: done, undone, or given up."""
        return self.state in {"completed", "rolled_back"} or (
            self.state == "failed" and self.given_up
        )

    @property
    def is_moving(self) -> bool:
        """Whether it goes on by itself: something is to be started, waited for or ended."""
        return self.state in {"running", "rolling_back", "aborting"}

    @property
    def needs_recovery(self) -> bool:
        """Whether a run that no process drives was left in the middle of something."""
        return bool(self.in_flight) or self.is_moving

    def ready(self, most: int) -> list[StepRecord]:
        """The first steps that can start now, in execution order, at most so many."""
        found: list[StepRecord] = []
        while len(found) < most and self._has_ready():
            found.append(self.steps[heappop(self._ready)])
        for record in found:
            heappush(self._ready, record.index)
        return found

    def wake(self, now: float) -> StepRecord | None:
        """Let the steps whose retry is due at `now` be ready; the one that is due next."""
        while (record := self._next_delayed()) is not None and record.not_before <= now:
            record.not_before = 0.0
            self._queue(record)
        return record

    def _conclude(self, record: StepRecord, concluded: bool) -> None:
        """Count the step as settled or not, for the run and for the steps that depend on it."""
        if record.concluded == concluded:
            return
        record.concluded = concluded
        change = -1 if concluded else 1
        self.unsettled += change
        for dependent in self._dependents[record.index]:
            dependent.waiting += change
            if not dependent.waiting:
                self._queue(dependent)

    def _set_cause(self, record: StepRecord, cause: str) -> None:
        """Whether, and because of which failed step, what depends on this one is skipped."""
        record.cause = cause
        if cause:
            self.causes.add(record.index)
        else:
            self.causes.discard(record.index)

    def _to_undo(self, record: StepRecord) -> None:
        self._undo.pop(record.index, None)
        self._undo[record.index] = record

    def _queue(self, record: StepRecord) -> None:
        if record.not_before:
            heappush(self._delayed, (record.not_before, record.index))
        elif not record.queued:
            record.queued = True
            heappush(self._ready, record.index)

    def _has_ready(self) -> bool:
        """Whether a step can start now; drops the entries at the top that were overtaken by events."""
        while self._ready:
            record = self.steps[self._ready[0]]
            if record.state == "pending" and not record.waiting and not record.not_before:
                return True
            heappop(self._ready)
            record.queued = False
        return False

    def _next_delayed(self) -> StepRecord | None:
        """The step whose retry is due first; drops the entries at the top that were overtaken."""
        while self._delayed:
            due, index = self._delayed[0]
            record = self.steps[index]
            if record.state == "pending" and record.not_before == due and not record.waiting:
                return record
            heappop(self._delayed)
        return None

    def _downstream(self, step_ids: Iterable[str]) -> list[StepRecord]:
        """The steps and all that depend on them, however far."""
        found = {record.index: record for record in map(self.record, step_ids)}
        todo = list(found.values())
        while todo:
            for dependent in self._dependents[todo.pop().index]:
                if dependent.index not in found:
                    found[dependent.index] = dependent
                    todo.append(dependent)
        return list(found.values())
