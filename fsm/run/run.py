"""The pure core: a run takes facts (`apply`) and says what should happen now (`commands`).

Nothing here sleeps, reads a clock, draws a random number, opens a file or awaits. Each fact fires a row of
the step machine and, where the plan may have to react, of the plan machine; what no row admits is refused
and changes nothing. The indexes below (ready, delayed, in flight, to undo) only save looking at every
step: they follow from the steps' states.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from heapq import heappop, heappush
from typing import TYPE_CHECKING, ClassVar

from fsm.errors import TransitionRefused
from fsm.run import commands as do
from fsm.run import events as on
from fsm.run.policy import plan_machine
from fsm.run.scope import scope
from fsm.run.step import StepRecord, step_machine

if TYPE_CHECKING:
    from fsm.plan.model import Plan

__all__ = ["Run"]


class Run:
    """One execution of a plan. `state` is the plan machine's; `steps` are in execution order.

    `failed` holds the ids of the distinct steps that failed and are not tolerated: what "several"
    counts (S0, error table). `unsettled` counts the steps that still stand between now and completion.
    """

    def __init__(self, plan: Plan, run_id: str = "") -> None:
        self.plan = plan
        self.run_id = run_id
        self.state = "pending"
        self.steps = [StepRecord(self, step, index) for index, step in enumerate(plan.steps)]
        self.failed: set[str] = set()
        self.unsettled = len(self.steps)
        self.approval: on.RunApproved | None = None
        self.validated_digest = ""
        self.offered_digest = ""
        self.failing: StepRecord | None = None
        self.stopped_because = ""
        self.in_flight: dict[int, StepRecord] = {}
        self._interrupted: dict[int, StepRecord] = {}
        self._undo: dict[int, StepRecord] = {}
        self._ready: list[int] = []
        self._delayed: list[tuple[float, int]] = []
        self._machine = plan_machine(plan.error_handling)
        self._dependents: list[list[StepRecord]] = [[] for _ in self.steps]
        for record in self.steps:
            record.waiting = len(record.step.depends_on)
            for dependency in record.step.depends_on:
                self._dependents[plan.positions[dependency]].append(record)
            if not record.waiting:
                self._queue(record)

    @classmethod
    def fold(cls, plan: Plan, events: Iterable[on.Event], run_id: str = "") -> Run:
        """The run that these facts lead to (I2). Raises `TransitionRefused` if a fact breaks a rule (I1)."""
        run = cls(plan, run_id)
        for event in events:
            run.apply(event)
        return run

    def record(self, step_id: str) -> StepRecord:
        """The step of that id. Raises `KeyError` if the plan has none."""
        return self.steps[self.plan.positions[step_id]]

    @property
    def names(self) -> Mapping[str, object]:
        """What templates and conditions may use, as it stands now."""
        return scope(self)

    # What the conditions of the plan table ask.

    @property
    def approved_digest(self) -> str:
        return self.approval.digest if self.approval else ""

    @property
    def interrupted(self) -> Iterable[StepRecord]:
        """The steps whose effect nobody knows, in execution order of their interruption."""
        return self._interrupted.values()

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
    def needs_recovery(self) -> bool:
        """Whether a run that no process drives was left in the middle of something."""
        return bool(self.in_flight) or self.state in {"running", "rolling_back", "aborting"}

    # Facts.

    def apply(self, event: on.Event) -> None:
        """Take a fact. Raises `TransitionRefused`, with nothing changed, if no row admits it."""
        self._appliers[type(event)](self, event)
        self._settle()

    def _created(self, event: on.RunCreated) -> None:
        if event.digest != self.plan.digest or self.state != "pending":
            raise self._refusal("create")

    def _approved(self, event: on.RunApproved) -> None:
        if self.state != "pending":
            raise self._refusal("approve")
        self.approval = event

    def _validated(self, event: on.RunValidated) -> None:
        if self.state != "pending":
            raise self._refusal("validate")
        self.validated_digest = event.digest

    def _started(self, _: on.RunStarted) -> None:
        self._fire("start")

    def _paused(self, event: on.RunPaused) -> None:
        self._fire("pause")
        self.stopped_because = event.reason

    def _resumed(self, event: on.RunResumed) -> None:
        redone = self._downstream(event.from_step) if event.from_step else []
        answers = [("rerun", self.record(step)) for step in event.rerun]
        answers += [("mark_done", self.record(step)) for step in event.done]
        for trigger, record in [*answers, *(("redo", record) for record in redone)]:
            self._must(record, trigger)
        if len({record.index for _, record in answers}) < len(answers):
            raise self._refusal("resume", "one_answer_a_step")
        self.offered_digest = event.digest
        try:
            self._fire("resume")
        finally:
            self.offered_digest = ""
        self.stopped_because = ""
        for trigger, record in answers:
            if trigger == "mark_done":
                self._mark_done(record, event.by)
            else:
                self._again(record, trigger)
        for record in redone:
            self._again(record, "redo")
        for record in self.steps:
            if record.state in {"failed", "rolled_back"} and not record.concluded:
                self._again(record, "retry")
            record.check_failed = ""

    def _rollback_requested(self, event: on.RollbackRequested) -> None:
        self._fire("rollback")
        self.stopped_because = event.reason
        for record in self.steps:
            record.undo_tries, record.not_before, record.check_failed = 0, 0.0, ""

    def _aborted(self, event: on.RunAborted) -> None:
        self._fire("abort")
        self.stopped_because = event.reason

    def _runner_lost(self, _: on.RunnerLost) -> None:
        self._fire("runner_lost")
        for record in list(self.in_flight.values()):
            step_machine.fire(record, "interrupted")
            record.error = "the runner died while it ran"
            self._land(record)
            if record.state == "interrupted":
                self._interrupted[record.index] = record

    def _step_started(self, event: on.StepStarted) -> None:
        record = self.record(event.step)
        self._expect(record, "start", event.attempt == record.attempt + 1)
        step_machine.fire(record, "start", subject=event.step)
        self._interrupted.pop(record.index, None)
        record.attempt += 1
        record.tries += 1
        record.not_before, record.marked = 0.0, ""
        self.in_flight[record.index] = record
        if record.undone_when_started:
            self._to_undo(record)

    def _step_completed(self, event: on.StepCompleted) -> None:
        record = self._landing(event.step, event.attempt, "completed")
        record.error, record.exit_code, record.tail = "", 0, ""
        record.seconds = event.seconds
        record.outputs = event.outputs or {}
        self._completed(record)

    def _step_failed(self, event: on.StepFailed) -> None:
        if event.attempt == 0:
            record = self.record(event.step)
            step_machine.fire(record, "reject", subject=event.step)
        else:
            record = self._landing(event.step, event.attempt, "failed")
        self._ended_badly(record, event)
        if record.state == "pending":
            self._queue(record)
            return
        tolerated = record.step.on_failure == "continue"
        if tolerated:
            self._conclude(record, True)
        else:
            self.failed.add(record.id)
        self.failing = record
        self._fire("step_failed")
        self.failing = None

    def _step_cancelled(self, event: on.StepCancelled) -> None:
        record = self._landing(event.step, event.attempt, "cancelled")
        record.error, record.exit_code, record.tail = event.reason, None, ""

    def _step_skipped(self, event: on.StepSkipped) -> None:
        record = self.record(event.step)
        step_machine.fire(record, "skip", subject=event.step)
        record.error = event.reason
        self._conclude(record, True)

    def _step_probed(self, event: on.StepProbed) -> None:
        record = self.record(event.step)
        step_machine.fire(record, _FOUND[event.verdict], subject=event.step)
        if record.state == "interrupted":
            record.check_failed = event.error or "its check cannot tell"
            return
        del self._interrupted[record.index]
        if record.state == "completed":
            self._completed(record)
        else:
            self._queue(record)

    def _step_marked(self, event: on.StepMarked) -> None:
        record = self.record(event.step)
        self._must(record, f"mark_{event.as_}")
        self._fire("mark")
        if event.as_ == "done":
            self._mark_done(record, event.by)
        else:
            step_machine.fire(record, "mark_undone", subject=event.step)
            record.marked = f"undone by {event.by}"
            self._undone(record)

    def _undo_started(self, event: on.UndoStarted) -> None:
        record = self.record(event.step)
        self._expect(record, "undo", event.attempt == record.undo_attempt + 1)
        step_machine.fire(record, "undo", subject=event.step)
        self._interrupted.pop(record.index, None)
        record.undo_attempt += 1
        record.undo_tries += 1
        record.not_before = 0.0
        self.in_flight[record.index] = record

    def _undo_completed(self, event: on.UndoCompleted) -> None:
        record = self._landing(event.step, event.attempt, "undone", undo=True)
        record.error, record.exit_code, record.tail = "", 0, ""
        record.seconds = event.seconds
        self._undone(record)

    def _undo_failed(self, event: on.UndoFailed) -> None:
        record = self._landing(event.step, event.attempt, "undo_failed", undo=True)
        self._ended_badly(record, event)
        rollback = record.step.rollback
        if rollback is None or record.undo_tries >= rollback.retry.attempts:
            self._fire("rollback_failed")

    def _undo_cancelled(self, event: on.UndoCancelled) -> None:
        record = self._landing(event.step, event.attempt, "cancelled", undo=True)
        record.error, record.exit_code, record.tail = event.reason, None, ""

    _appliers: ClassVar[Mapping[type[on.Event], Callable[..., None]]] = {
        on.RunCreated: _created,
        on.RunApproved: _approved,
        on.RunValidated: _validated,
        on.RunStarted: _started,
        on.RunPaused: _paused,
        on.RunResumed: _resumed,
        on.RollbackRequested: _rollback_requested,
        on.RunAborted: _aborted,
        on.RunnerLost: _runner_lost,
        on.StepStarted: _step_started,
        on.StepCompleted: _step_completed,
        on.StepFailed: _step_failed,
        on.StepCancelled: _step_cancelled,
        on.StepSkipped: _step_skipped,
        on.StepProbed: _step_probed,
        on.StepMarked: _step_marked,
        on.UndoStarted: _undo_started,
        on.UndoCompleted: _undo_completed,
        on.UndoFailed: _undo_failed,
        on.UndoCancelled: _undo_cancelled,
    }

    # Decisions.

    def commands(self, now: float) -> list[do.Command]:
        """What should happen at `now` (seconds since the epoch). Asking changes nothing.

        Costs what is ready, not what exists. A command is repeated until its fact was applied.
        """
        if self.state == "running":
            return self._resolve() if self._interrupted else self._forward(now)
        if self.state == "rolling_back":
            return self._backward(now)
        if self.state == "aborting":
            return [do.CancelStep(record.id) for record in self.in_flight.values()]
        return []

    def _resolve(self) -> list[do.Command]:
        """Interrupted steps come first, and nothing else starts beside them (I17)."""
        decided: list[do.Command] = []
        for record in self._interrupted.values():
            if record.can_be_probed:
                decided.append(do.ProbeStep(record.id))
            elif record.can_be_rerun and len(self.in_flight) + len(decided) < self.plan.parallel:
                decided.append(do.StartStep(record.id, record.attempt + 1))
        return decided

    def _forward(self, now: float) -> list[do.Command]:
        while (delayed := self._next_delayed()) is not None and delayed.not_before <= now:
            delayed.not_before = 0.0
            self._queue(delayed)
        if self.plan.parallel == 1 and delayed is not None:
            return [do.Wait(delayed.not_before)]
        free = self.plan.parallel - len(self.in_flight)
        decided: list[do.Command] = []
        looked_at: list[int] = []
        while len(decided) < free and self._has_ready():
            looked_at.append(heappop(self._ready))
            decided.append(self._decide(self.steps[looked_at[-1]]))
            if not isinstance(decided[-1], do.StartStep):
                break  # its fact may change what comes after it
        for index in looked_at:
            heappush(self._ready, index)
        if delayed is not None:
            decided.append(do.Wait(delayed.not_before))
        return decided

    def _decide(self, record: StepRecord) -> do.Command:
        if record.step.condition is not None and not record.tries:
            from fsm.plan.template import TemplateError, evaluate

            try:
                if not evaluate(record.step.condition, self.names):
                    return do.SkipStep(record.id, f"`if: {record.step.condition}` is false")
            except TemplateError as error:
                return do.RejectStep(record.id, f"`if: {record.step.condition}`: {error}")
        return do.StartStep(record.id, record.attempt + 1)

    def _backward(self, now: float) -> list[do.Command]:
        forward = [r for r in self.in_flight.values() if r.state == "running"]
        if forward:
            return [do.CancelStep(record.id) for record in forward]
        if self.in_flight:
            return []
        if any(r.can_be_probed or r.effect_is_unknown for r in self._interrupted.values()):
            # A check that is still in flight from before the rollback is waited for, too.
            return [do.ProbeStep(r.id) for r in self._interrupted.values() if r.can_be_probed]
        record = self.next_to_undo
        if record is None:
            return []
        if record.state == "rollback_failed" and record.not_before > now:
            return [do.Wait(record.not_before)]
        return [do.UndoStep(record.id, record.undo_attempt + 1)]

    # Consequences.

    def _settle(self) -> None:
        """Fire the rows that need no fact of their own: the run itself asks."""
        if self.in_flight:
            return
        if self.state == "running":
            if not self.unsettled:
                self._fire("finish")
            elif not self.can_go_on:
                self._fire("stall")
        elif self.state == "rolling_back":
            unknown = [record for record in self._interrupted.values() if record.effect_is_unknown]
            if unknown and not any(record.can_be_probed for record in unknown):
                self._fire("undecided")
            elif not unknown and not self._undo:
                self._fire("undone")
        elif self.state == "aborting":
            self._fire("aborted")

    def _completed(self, record: StepRecord) -> None:
        record.outstanding = True
        if record.step.rollback is not None:
            self._to_undo(record)
        self._conclude(record, True)

    def _mark_done(self, record: StepRecord, by: str) -> None:
        step_machine.fire(record, "mark_done", subject=record.id)
        self._interrupted.pop(record.index, None)
        record.marked = f"done by {by}"
        record.error = ""
        self._completed(record)

    def _undone(self, record: StepRecord) -> None:
        record.outstanding = False
        self._interrupted.pop(record.index, None)
        if self.next_to_undo is record:
            self._undo.popitem()  # `pop` would leave a hole for every `reversed` to walk over
        else:
            self._undo.pop(record.index, None)
        self._conclude(record, False)

    def _again(self, record: StepRecord, trigger: str) -> None:
        step_machine.fire(record, trigger, subject=record.id)
        self._interrupted.pop(record.index, None)
        record.tries, record.not_before, record.marked, record.error = 0, 0.0, "", ""
        self._conclude(record, False)
        self._queue(record)

    def _ended_badly(self, record: StepRecord, event: on.StepFailed | on.UndoFailed) -> None:
        record.error, record.exit_code, record.tail = event.error, event.exit_code, event.tail
        record.seconds, record.not_before = event.seconds, event.retry_at

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

    def _downstream(self, step_id: str) -> list[StepRecord]:
        """The step and all that depend on it, however far."""
        found = {self.record(step_id).index: self.record(step_id)}
        todo = list(found.values())
        while todo:
            for dependent in self._dependents[todo.pop().index]:
                if dependent.index not in found:
                    found[dependent.index] = dependent
                    todo.append(dependent)
        return list(found.values())

    # Firing.

    def _fire(self, trigger: str) -> None:
        self._machine.fire(self, trigger, subject=f"run {self.run_id}".strip())

    def _landing(self, step_id: str, attempt: int, trigger: str, undo: bool = False) -> StepRecord:
        """Fire the fact that ends the attempt in flight; no other attempt can end (I4)."""
        record = self.record(step_id)
        state, number = (
            ("rolling_back", record.undo_attempt) if undo else ("running", record.attempt)
        )
        self._expect(record, trigger, record.state == state and attempt == number)
        step_machine.fire(record, trigger, subject=step_id)
        self._land(record)
        return record

    def _land(self, record: StepRecord) -> None:
        del self.in_flight[record.index]

    def _must(self, record: StepRecord, trigger: str) -> None:
        if not step_machine.may(record, trigger):
            raise TransitionRefused(
                record.id,
                record.state,
                trigger,
                step_machine.failed_conditions(record, trigger),
                step_machine.allowed(record.state),
            )

    def _expect(self, record: StepRecord, trigger: str, holds: bool) -> None:
        if not holds:
            raise TransitionRefused(
                record.id,
                record.state,
                trigger,
                ("attempt_is_the_one_in_flight",),
                step_machine.allowed(record.state),
            )

    def _refusal(self, trigger: str, *failed: str) -> TransitionRefused:
        return TransitionRefused(
            f"run {self.run_id}", self.state, trigger, failed, self._machine.allowed(self.state)
        )


_FOUND = {"done": "found_done", "not_done": "found_not_done", "unknown": "found_unknown"}
