"""The pure core: a run takes facts (`apply`) and says what should happen now (`commands`).

Nothing here sleeps, reads a clock, draws a random number, opens a file or awaits. Each fact fires a row of
the step machine and, where the plan may have to react, of the plan machine; what no row admits is refused
and changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, ClassVar

from fsm.errors import TransitionRefused
from fsm.run import decide
from fsm.run import events as on
from fsm.run.policy import plan_machine
from fsm.run.standing import Standing
from fsm.run.step import StepRecord, step_machine

if TYPE_CHECKING:
    from fsm.plan.model import Plan
    from fsm.run.commands import Command

__all__ = ["Run"]


class Run(Standing):
    """One execution of a plan: facts go in by `apply`, what to do next comes out of `commands`."""

    def __init__(self, plan: Plan, run_id: str = "") -> None:
        super().__init__(plan, run_id)
        self._machine = plan_machine(plan.error_handling)

    @classmethod
    def fold(cls, plan: Plan, events: Iterable[on.Event], run_id: str = "") -> Run:
        """The run that these facts lead to (I2). Raises `TransitionRefused` if a fact breaks a rule (I1)."""
        run = cls(plan, run_id)
        for event in events:
            run.apply(event)
        return run

    @property
    def states(self) -> Mapping[str, object]:
        """The states of the plan's own machine."""
        return self._machine.spec.states

    def commands(self, now: float) -> list[Command]:
        """What should happen at `now` (seconds since the epoch). Asking records no fact.

        Only a retry that has come due is put among the steps that are ready: what is asked later is the same.

        Costs what is ready, not what exists. A command is repeated until its fact was applied.
        """
        return decide.commands(self, now)

    # Facts.

    def apply(self, event: on.Event) -> None:
        """Take a fact. Raises `TransitionRefused`, with nothing changed, if no row admits it."""
        self._appliers[type(event)](self, event)
        self._settle()

    def _created(self, event: on.RunCreated) -> None:
        if event.digest != self.plan.digest or self.state != "pending":
            raise self._refusal("create")
        self.created = event

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
        redone = self._downstream(event.from_steps)
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
            if record.cause or (record.state in {"failed", "rolled_back"} and not record.concluded):
                self._again(record, "retry")
            record.check_failed = ""

    def _rollback_requested(self, event: on.RollbackRequested) -> None:
        self._fire("rollback")
        self.stopped_because = event.reason or f"asked by {event.by or 'somebody'}"
        for record in self.steps:
            record.undo_tries, record.not_before, record.check_failed = 0, 0.0, ""

    def _aborted(self, event: on.RunAborted) -> None:
        self._fire("abort")
        self.stopped_because = event.reason

    def _runner_lost(self, _: on.RunnerLost) -> None:
        self._fire("runner_lost")
        for record in list(self.in_flight.values()):
            record.undo_tries -= (
                record.state == "rolling_back"
            )  # no failure, so it uses up no retry
            step_machine.fire(record, "interrupted")
            record.error, record.cancelled = "the runner died while it ran", False
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
        record.tell()
        record.seconds = 0.0
        self.in_flight[record.index] = record
        if record.undone_when_started:
            self._to_undo(record)

    def _process_identified(self, event: on.ProcessIdentified) -> None:
        record = self.record(event.step)
        number = record.undo_attempt if record.state == "rolling_back" else record.attempt
        self._expect(record, "identify", record.in_flight and event.attempt == number)
        record.process = f"{event.pid} {event.start} {event.boot}"

    def _step_completed(self, event: on.StepCompleted) -> None:
        record = self._landing(event.step, event.attempt, "completed")
        record.tell(exit_code=0)
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
        if record.step.on_failure == "stop":
            self.failed.add(record.id)
        else:
            if record.step.on_failure == "skip_dependents":
                self._set_cause(record, record.id)
            self._conclude(record, True)
        self.failing = record
        self._fire("step_failed")
        self.failing = None

    def _step_cancelled(self, event: on.StepCancelled) -> None:
        record = self._landing(event.step, event.attempt, "cancelled")
        record.tell(event.reason, cancelled=True)

    def _step_skipped(self, event: on.StepSkipped) -> None:
        record = self.record(event.step)
        failed = record.dependency_failed
        step_machine.fire(record, "skip", subject=event.step)
        record.error = event.reason
        self._set_cause(record, failed)
        self._conclude(record, True)

    def _step_probed(self, event: on.StepProbed) -> None:
        record = self.record(event.step)
        step_machine.fire(record, _FOUND[event.verdict], subject=event.step)
        if record.state == "interrupted":
            record.check_failed = event.error or "its check cannot tell"
            return
        del self._interrupted[record.index]
        if record.state == "completed":
            record.outputs = event.outputs or {}
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
            if record.state != "failed":  # its rollback did, or nobody knew: that is settled
                record.tell()
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
        told_of_undo = event.attempt > 1  # by the attempt before, which ended otherwise
        if record.outstanding or told_of_undo:  # else its own failure stays told
            record.tell(exit_code=0)
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
        record.tell(event.reason, cancelled=True)

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
        on.ProcessIdentified: _process_identified,
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
            self.given_up = True

    def _completed(self, record: StepRecord) -> None:
        record.outstanding, record.error, record.cancelled = True, "", False
        self._set_cause(record, "")
        if record.step.rollback is not None:
            self._to_undo(record)
        self._conclude(record, True)

    def _mark_done(self, record: StepRecord, by: str) -> None:
        step_machine.fire(record, "mark_done", subject=record.id)
        self._interrupted.pop(record.index, None)
        record.marked = f"done by {by}"
        self._completed(record)

    def _undone(self, record: StepRecord) -> None:
        record.outstanding = False
        self._set_cause(record, "")
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
        record.cancelled = False
        self._set_cause(record, "")
        self._conclude(record, False)
        self._queue(record)

    def _ended_badly(self, record: StepRecord, event: on.StepFailed | on.UndoFailed) -> None:
        record.tell(event.error, event.exit_code, event.tail)
        record.seconds, record.not_before = event.seconds, event.retry_at

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
        record.process = ""

    def _must(self, record: StepRecord, trigger: str) -> None:
        """What a person asks of a step; what else they could is what the run admits, too."""
        if not step_machine.may(record, trigger):
            admitted = self._machine.allowed(self.state)
            raise TransitionRefused(
                record.id,
                record.state,
                trigger,
                step_machine.failed_conditions(record, trigger),
                [
                    other
                    for other in step_machine.allowed(record.state)
                    if other not in _ASKED_BY or _ASKED_BY[other] in admitted
                ],
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


_ASKED_BY = {
    "retry": "resume",
    "redo": "resume",
    "rerun": "resume",
    "mark_done": "mark",
    "mark_undone": "mark",
}
"""By which trigger of the run a person reaches one of a step."""

_FOUND = {"done": "found_done", "not_done": "found_not_done", "unknown": "found_unknown"}
