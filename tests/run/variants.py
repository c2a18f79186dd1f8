"""Cores that are broken on purpose, one for each rule: a judge that cannot convict is worthless.

Each is the bug that a hurried hand might really write. `VARIANTS` maps the number of the rule to a function
that breaks the core for the time of one test; `RARE` those that need a longer chain of accidents than random
stories often tell; all of them are bugs that this core once had.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from fsm.machine import Machine, MachineSpec, load_table
from fsm.plan.model import ErrorHandling
from fsm.run import Run, decide
from fsm.run import commands as do
from fsm.run import events as on
from fsm.run import policy as policy_module
from fsm.run import step as step_module
from fsm.run.simulate import Launch
from fsm.run.standing import Standing
from fsm.run.step import StepRecord

from .stories import Watched

__all__ = ["RARE", "VARIANTS", "Break"]

Break = Callable[[pytest.MonkeyPatch], type[Watched]]
VARIANTS: dict[str, Break] = {}
RARE: dict[str, Break] = {}


def _breaks(*numbers: str, rarely: bool = False) -> Callable[[Break], Break]:
    def register(variant: Break) -> Break:
        for number in numbers:
            (RARE if rarely else VARIANTS)[f"{number}-{variant.__name__.strip('_')}"] = variant
        return variant

    return register


def _with_run(patch: pytest.MonkeyPatch, broken: type[Run]) -> type[Watched]:
    """Let the simulator drive `broken`; the methods that it overrides take the events."""
    appliers = {kind: getattr(broken, take.__name__) for kind, take in Run._appliers.items()}
    patch.setattr(broken, "_appliers", appliers)
    patch.setattr("fsm.run.simulate.Run", broken)
    return Watched


def _with_steps(
    patch: pytest.MonkeyPatch,
    change: Callable[[MachineSpec], MachineSpec] = lambda spec: spec,
    **conditions: Callable[[StepRecord], bool],
) -> None:
    """Another step machine: the table changed, or some of its conditions answered otherwise."""
    functions = {**step_module._conditions, **conditions}
    machine = Machine(change(load_table("step")), functions, prove=False)
    patch.setattr("fsm.run.run.step_machine", machine)


def _without(condition: str) -> Callable[[MachineSpec], MachineSpec]:
    def change(spec: MachineSpec) -> MachineSpec:
        rows = tuple(
            replace(row, conditions=tuple(c for c in row.conditions if c != condition))
            for row in spec.rows
        )
        return replace(spec, rows=rows)

    return change


def _also_from(state: str, trigger: str) -> Callable[[MachineSpec], MachineSpec]:
    def change(spec: MachineSpec) -> MachineSpec:
        rows = tuple(
            replace(row, source=(*row.source, state)) if row.trigger == trigger else row
            for row in spec.rows
        )
        return replace(spec, rows=rows)

    return change


@_breaks("I1")
def pausing_needs_no_row(patch: pytest.MonkeyPatch) -> type[Watched]:
    class Broken(Run):
        def _fire(self, trigger: str) -> None:
            if trigger == "pause":
                self.state = "paused"
            else:
                super()._fire(trigger)

    return _with_run(patch, Broken)


@_breaks("I1")
def a_refusal_leaves_traces(patch: pytest.MonkeyPatch) -> type[Watched]:
    class Broken(Run):
        def apply(self, event: on.Event) -> None:
            if isinstance(event, on.RunResumed):
                self.stopped_because = ""
            super().apply(event)

    return _with_run(patch, Broken)


@_breaks("I2")
def deciding_counts_the_tries(patch: pytest.MonkeyPatch) -> type[Watched]:
    class Broken(Run):
        def commands(self, now: float) -> list[do.Command]:
            decided = super().commands(now)
            for command in decided:
                if isinstance(command, do.StartStep):
                    self.record(command.step).tries += 1
            return decided

    return _with_run(patch, Broken)


@_breaks("I3")
def launching_before_writing(patch: pytest.MonkeyPatch) -> type[Watched]:
    class Broken(Watched):
        def _decide(self) -> float | None:
            for command in self.run.commands(self.now):
                if isinstance(command, do.StartStep):
                    launch = Launch(
                        command.step, command.attempt, "run", self.now, len(self.journal)
                    )
                    self.judge.launched(launch)
            return super()._decide()

    return Broken


@_breaks("I4")
def resuming_numbers_attempts_anew(patch: pytest.MonkeyPatch) -> type[Watched]:
    class Broken(Run):
        def _again(self, record: StepRecord, trigger: str) -> None:
            super()._again(record, trigger)
            record.attempt = 0

    return _with_run(patch, Broken)


@_breaks("I4")
def launching_twice(patch: pytest.MonkeyPatch) -> type[Watched]:
    class Broken(Watched):
        def _launch(self) -> None:
            twice = [one for one in self._intended.values() if one.purpose != "check"]
            super()._launch()
            for launch in twice:
                self.judge.launched(launch)

    return Broken


@_breaks("I5", "I17")
def an_interrupted_step_counts_as_failed(patch: pytest.MonkeyPatch) -> type[Watched]:
    def change(spec: MachineSpec) -> MachineSpec:
        rows = tuple(
            replace(row, dest="pending")
            if row.trigger == "interrupted" and row.source == ("running",)
            else row
            for row in spec.rows
        )
        return replace(spec, rows=rows)

    class Broken(Run):
        def _runner_lost(self, event: on.RunnerLost) -> None:
            lost = list(self.in_flight.values())
            super()._runner_lost(event)
            for record in lost:
                self._queue(record)

    _with_steps(patch, change)
    return _with_run(patch, Broken)


@_breaks("I5")
def every_step_counts_as_idempotent(patch: pytest.MonkeyPatch) -> type[Watched]:
    class Broken(Run):
        @property
        def can_go_on(self) -> bool:
            return bool(self._interrupted) or super().can_go_on

    def broken(run: Standing) -> list[do.Command]:
        first = next(iter(run.interrupted))
        return [do.StartStep(first.id, first.attempt + 1)]

    patch.setattr(decide, "resolve", broken)
    _with_steps(patch, _without("idempotent"))
    return _with_run(patch, Broken)


@_breaks("I6")
def resuming_begins_at_the_beginning(patch: pytest.MonkeyPatch) -> type[Watched]:
    class Broken(Run):
        def _resumed(self, event: on.RunResumed) -> None:
            super()._resumed(event)
            for record in self.steps:
                if record.state == "completed":
                    self._again(record, "redo")

    return _with_run(patch, Broken)


@_breaks("I7")
def retries_have_no_end(patch: pytest.MonkeyPatch) -> type[Watched]:
    _with_steps(patch, attempts_left=lambda record: record.tries < 9)
    return Watched


@_breaks("I7")
def compensations_are_tried_too_often(patch: pytest.MonkeyPatch) -> type[Watched]:
    class Broken(Run):
        def _undo_started(self, event: on.UndoStarted) -> None:
            super()._undo_started(event)
            record = self.record(event.step)
            record.undo_tries -= record.undo_tries < 9

    return _with_run(patch, Broken)


@_breaks("I8")
def dependencies_are_not_waited_for(patch: pytest.MonkeyPatch) -> type[Watched]:
    class Broken(Run):
        def __init__(self, *args: object) -> None:
            super().__init__(*args)  # type: ignore[arg-type]
            self._dependents = [[] for _ in self.steps]
            for record in self.steps:
                record.waiting = 0
                self._queue(record)

    return _with_run(patch, Broken)


@_breaks("I9")
def a_rollback_starts_what_is_ready(patch: pytest.MonkeyPatch) -> type[Watched]:
    rightly = decide.backward

    def broken(run: Standing, now: float) -> list[do.Command]:
        starts = [c for c in decide.forward(run, now) if isinstance(c, do.StartStep)]
        return list(starts) if starts and not run.in_flight else rightly(run, now)

    patch.setattr(decide, "backward", broken)
    _with_steps(patch, plan_running=lambda _: True)
    return Watched


@_breaks("I10")
def an_undone_step_is_undone_again(patch: pytest.MonkeyPatch) -> type[Watched]:
    class Broken(Run):
        def _undone(self, record: StepRecord) -> None:
            again = record.undo_attempt == 1 and record.index in self._undo
            super()._undone(record)
            if again:
                self._undo[record.index] = record

    _with_steps(patch, _also_from("rolled_back", "undo"))
    return _with_run(patch, Broken)


@_breaks("I11")
def a_failed_compensation_counts_as_done(patch: pytest.MonkeyPatch) -> type[Watched]:
    class Broken(Run):
        def _undo_failed(self, event: on.UndoFailed) -> None:
            self._undone(self._landing(event.step, event.attempt, "undone", undo=True))

    return _with_run(patch, Broken)


@_breaks("I12")
def the_first_effect_is_undone_first(patch: pytest.MonkeyPatch) -> type[Watched]:
    class Broken(Run):
        @property
        def next_to_undo(self) -> StepRecord | None:
            return next(iter(self._undo.values()), None)

    return _with_run(patch, Broken)


@_breaks("I12")
def compensations_follow_the_file(patch: pytest.MonkeyPatch) -> type[Watched]:
    class Broken(Run):
        @property
        def next_to_undo(self) -> StepRecord | None:
            return max(self._undo.values(), key=lambda record: record.index, default=None)

    return _with_run(patch, Broken)


@_breaks("I13")
def what_only_started_is_undone(patch: pytest.MonkeyPatch) -> type[Watched]:
    class Broken(Run):
        def _step_started(self, event: on.StepStarted) -> None:
            super()._step_started(event)
            record = self.record(event.step)
            if record.step.rollback is not None:
                self._to_undo(record)

    return _with_run(patch, Broken)


@_breaks("I14")
def a_step_sent_back_is_forgotten(patch: pytest.MonkeyPatch) -> type[Watched]:
    class Broken(Run):
        def _again(self, record: StepRecord, trigger: str) -> None:
            super()._again(record, trigger)
            self._undo.pop(record.index, None)

    return _with_run(patch, Broken)


@_breaks("I15")
def a_failed_step_counts_as_settled(patch: pytest.MonkeyPatch) -> type[Watched]:
    class Broken(Run):
        def _ended_badly(self, record: StepRecord, event: on.StepFailed | on.UndoFailed) -> None:
            super()._ended_badly(record, event)
            if record.state == "failed":
                self._conclude(record, True)

    return _with_run(patch, Broken)


@_breaks("I15")
def a_run_forgets_what_it_skipped_for_a_failure(patch: pytest.MonkeyPatch) -> type[Watched]:
    class Broken(Run):
        def _step_skipped(self, event: on.StepSkipped) -> None:
            super()._step_skipped(event)
            self._set_cause(self.record(event.step), "")

        def _mark_done(self, record: StepRecord, by: str) -> None:
            super()._mark_done(record, by)
            self.causes.clear()

    return _with_run(patch, Broken)


@_breaks("I8")
def what_needs_a_failed_step_is_started(patch: pytest.MonkeyPatch) -> type[Watched]:
    patch.setattr(StepRecord, "dependency_failed", "")
    return Watched


@_breaks("I16")
def giving_up_waits_for_nothing(patch: pytest.MonkeyPatch) -> type[Watched]:
    class Broken(Run):
        def _settle(self) -> None:
            if self.state == "aborting":
                self.state = "failed"
            super()._settle()

    return _with_run(patch, Broken)


@_breaks("I17")
def a_rollback_passes_over_the_unknown(patch: pytest.MonkeyPatch) -> type[Watched]:
    patch.setattr(StepRecord, "effect_is_unknown", False)
    return Watched


@_breaks("I17")
def others_start_beside_the_unknown(patch: pytest.MonkeyPatch) -> type[Watched]:
    class Broken(Run):
        @property
        def can_go_on(self) -> bool:
            return super().can_go_on or self._has_ready()

    rightly = decide.resolve
    patch.setattr(decide, "resolve", lambda run: rightly(run) or decide.forward(run, 0.0))
    _with_steps(patch, none_interrupted=lambda _: True)
    return _with_run(patch, Broken)


@_breaks("I18")
def a_run_that_cannot_go_on_keeps_running(patch: pytest.MonkeyPatch) -> type[Watched]:
    patch.setattr(Run, "can_go_on", True)
    return Watched


@_breaks("I19")
def any_approval_will_do(patch: pytest.MonkeyPatch) -> type[Watched]:
    patch.setattr(Run, "approved_digest", property(lambda run: run.plan.digest))
    return Watched


@_breaks("I19")
def nobody_asks_for_validation(patch: pytest.MonkeyPatch) -> type[Watched]:
    functions = {**policy_module._conditions, "validated": lambda _: True}

    class Broken(Run):
        def __init__(self, *args: object) -> None:
            super().__init__(*args)  # type: ignore[arg-type]
            self._machine = Machine(self._machine.spec, functions, prove=False)

    return _with_run(patch, Broken)


@_breaks("S2")
def the_bound_is_off_by_one(patch: pytest.MonkeyPatch) -> type[Watched]:
    rightly = decide.forward

    def broken(run: Standing, now: float) -> list[do.Command]:
        if not run.in_flight:
            return rightly(run, now)
        index, record = run.in_flight.popitem()
        decided = rightly(run, now)
        run.in_flight[index] = record
        return decided

    patch.setattr(decide, "forward", broken)
    _with_steps(patch, slot_free=lambda _: True)
    return Watched


@_breaks("S3")
def several_is_counted_by_failures(patch: pytest.MonkeyPatch) -> type[Watched]:
    class Broken(Run):
        def _ended_badly(self, record: StepRecord, event: on.StepFailed | on.UndoFailed) -> None:
            super()._ended_badly(record, event)
            if record.state == "failed" and record.step.on_failure == "stop":
                self.failed.add(f"{record.id} {record.attempt}")

    return _with_run(patch, Broken)


@_breaks("S4")
def compensations_begin_before_all_has_landed(patch: pytest.MonkeyPatch) -> type[Watched]:
    rightly = decide.backward

    def broken(run: Standing, now: float) -> list[do.Command]:
        record = run.next_to_undo
        if record is not None and not record.in_flight and not record.undo_tries:
            return [do.UndoStep(record.id, record.undo_attempt + 1)]
        return rightly(run, now)

    patch.setattr(decide, "backward", broken)
    _with_steps(patch, alone=lambda _: True)
    return Watched


@_breaks("I18", rarely=True)
def a_retry_is_waited_for_though_its_needs_are_not_met(patch: pytest.MonkeyPatch) -> type[Watched]:
    class Broken(Run):
        def _next_delayed(self) -> StepRecord | None:
            for due, index in sorted(self._delayed):
                record = self.steps[index]
                if record.state == "pending" and record.not_before == due:
                    return record
            return None

    return _with_run(patch, Broken)


@_breaks("I8", rarely=True)
def an_idempotent_step_is_rerun_before_its_needs(patch: pytest.MonkeyPatch) -> type[Watched]:
    _with_steps(patch, _without("dependencies_concluded"))
    patch.setattr(StepRecord, "can_be_rerun", property(lambda record: record.step.idempotent))
    return Watched


@_breaks("I1", rarely=True)
def giving_up_has_no_row_for_a_compensation_that_fails(patch: pytest.MonkeyPatch) -> type[Watched]:
    def machine(policy: ErrorHandling) -> Machine[Run]:
        spec = policy_module.plan_spec(policy)
        lost = ("rollback_failed", ("aborting",))
        rows = tuple(row for row in spec.rows if (row.trigger, row.source) != lost)
        assert len(rows) == len(spec.rows) - 1
        changed = replace(spec, rows=rows)
        return Machine(changed, policy_module._conditions, prove=False)

    patch.setattr("fsm.run.run.plan_machine", machine)
    return Watched


@_breaks("I1", rarely=True)
def a_skipped_step_cannot_be_undone(patch: pytest.MonkeyPatch) -> type[Watched]:
    def change(spec: MachineSpec) -> MachineSpec:
        rows = tuple(
            replace(row, source=tuple(s for s in row.source if s != "skipped"))
            if row.trigger == "undo"
            else row
            for row in spec.rows
        )
        return replace(spec, rows=rows)

    _with_steps(patch, change)
    return Watched


@_breaks("I4", rarely=True)
def a_rollback_overtakes_a_check(patch: pytest.MonkeyPatch) -> type[Watched]:
    rightly = decide.backward

    def broken(run: Standing, now: float) -> list[do.Command]:
        unknown = any(record.effect_is_unknown for record in run.interrupted)
        if unknown or run.in_flight or run.next_to_undo is None:
            return rightly(run, now)
        return [do.UndoStep(run.next_to_undo.id, run.next_to_undo.undo_attempt + 1)]

    patch.setattr(decide, "backward", broken)
    return Watched
