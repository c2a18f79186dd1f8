"""An independent judge of a run: from its journal it works out what must hold, and compares.

`Judge` keeps a small model of its own, made of the facts alone; it uses none of Run's indexes. What the
run *claims* after each fact (its plan state, its steps' states) is held against that model, and what was
*launched* against the intents. Violations are collected, not raised: a broken core breaks several
invariants at once, and a test asks for one by its number (RELIABILITY.md, I1 … I19).

Four more rules, of DESIGN.md's "Semantics that every face keeps", have letters: S2 the bound on what runs at
once, S3 the plan's own answer to a failure, S4 nothing starts unless running, nothing is compensated while
a step is in flight, S5 only what is declared (a check, a condition, a rollback) is used.

I15 and I8 count a failed step with `on_failure: continue` as settled: its plan declared so. One with
`skip_dependents` is settled, too, but what depends on it may only be skipped (I8), and the run then ends
as failed, never as completed (I15); it ends so by itself in no other case (S3).
"""

from __future__ import annotations

import copy
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from fsm.errors import TransitionRefused
from fsm.machine import MachineSpec, load_table
from fsm.plan.model import Plan, Step
from fsm.run import Run
from fsm.run import events as on
from fsm.run.simulate import Launch

__all__ = ["Claim", "Judge", "Violation", "check", "claim"]


class Claim(NamedTuple):
    """What a run says of itself: the plan's state, and each step's, in execution order."""

    plan: str
    steps: tuple[str, ...]


class Violation(NamedTuple):
    """Invariant `number` broken by the journal's event number `seq` (from 1)."""

    number: str
    seq: int
    message: str

    def __str__(self) -> str:
        return f"{self.number} at event {self.seq}: {self.message}"


def claim(run: Run) -> Claim:
    return Claim(run.state, tuple(record.state for record in run.steps))


def check(
    plan: Plan,
    journal: Sequence[on.Event],
    claims: Sequence[Claim] | None = None,
    launches: Iterable[Launch] = (),
) -> list[Violation]:
    """Every violation in a journal. `claims`, one for each event, are those of `Run` if not given."""
    judge = Judge(plan)
    waiting = sorted(launches, key=lambda launch: launch.durable)[::-1]
    run = Run(plan)
    for seq, event in enumerate(journal):
        while waiting and waiting[-1].durable <= seq:
            judge.launched(waiting.pop())
        if claims is None:
            try:
                run.apply(event)
            except (TransitionRefused, KeyError) as error:
                judge.blame("I1", f"the journal holds what no row admits: {error}")
                return judge.violations
        judge.feed(event, claim(run) if claims is None else claims[seq])
    for launch in reversed(waiting):
        judge.launched(launch)
    return judge.violations


# The tables as they are shipped, whatever a test does to the running ones.

_STEP_TABLE = load_table("step")
_PLAN_TABLE = load_table("plan")
_FINAL = frozenset(name for name, state in _PLAN_TABLE.states.items() if state.final)
_ANSWERS = {
    "pause": "paused",
    "rollback": "rolling_back",
    "abort": "aborting",
    "alert": "needs_intervention",
}
_SETTLING = ("finish", "stall", "undone", "undecided", "aborted")
_PLAN_TRIGGERS = {
    on.RunStarted: "start",
    on.RunPaused: "pause",
    on.RunResumed: "resume",
    on.RollbackRequested: "rollback",
    on.RunAborted: "abort",
    on.RunnerLost: "runner_lost",
    on.StepMarked: "mark",
}
_STEP_TRIGGERS: dict[type[on.Event], tuple[str, ...]] = {
    on.StepStarted: ("start",),
    on.StepCompleted: ("completed",),
    on.StepFailed: ("failed", "reject"),
    on.StepCancelled: ("cancelled",),
    on.StepSkipped: ("skip",),
    on.StepProbed: ("found_done", "found_not_done", "found_unknown"),
    on.StepMarked: ("mark_done", "mark_undone"),
    on.UndoStarted: ("undo",),
    on.UndoCompleted: ("undone",),
    on.UndoFailed: ("undo_failed",),
    on.UndoCancelled: ("cancelled",),
}


def _moves(table: MachineSpec, triggers: Iterable[str]) -> frozenset[tuple[str, str]]:
    wanted = set(triggers)
    return frozenset(
        (source, row.dest) for row in table.rows if row.trigger in wanted for source in row.source
    )


_STEP_MOVES = {kind: _moves(_STEP_TABLE, names) for kind, names in _STEP_TRIGGERS.items()}
_RESUMING = _moves(_STEP_TABLE, ("retry", "rerun", "redo", "mark_done"))
_LOSING = _moves(_STEP_TABLE, ("interrupted",))


@dataclass(slots=True)
class _Facts:
    """What the journal tells of one step. `state` is what the table must have made of it.

    `tries` and `lost` count the launches, and those that were lost, since a person last asked for the
    step; `settled` says that what depends on it may go on, `spoilt` that it can only be skipped.
    """

    step: Step
    state: str = "pending"
    attempt: int = 0
    tries: int = 0
    lost: int = 0
    undo_attempt: int = 0
    undo_tries: int = 0
    undo_lost: int = 0
    settled: bool = False
    spoilt: bool = False
    outstanding: bool = False
    was_undone: bool = False
    launched: bool = False

    @property
    def compensates_a_start(self) -> bool:
        return self.step.rollback is not None and self.step.rollback.on == "started"

    @property
    def unknown(self) -> bool:
        return self.state == "interrupted"

    @property
    def undecided(self) -> bool:
        """Unknown, and in the way of a rollback."""
        return self.unknown and not (self.compensates_a_start or self.step.read_only)

    def key(self) -> Hashable:
        """What tells two histories apart from here on; attempt numbers only ever count up."""
        return (
            *(self.state, self.tries, self.lost, self.undo_tries, self.undo_lost, self.settled),
            *(self.spoilt, self.outstanding, self.was_undone, self.launched, self.attempt > 0),
        )


@dataclass(slots=True)
class Judge:
    """Feed it a journal, event by event, with what the run claims after each."""

    plan: Plan
    violations: list[Violation] = field(default_factory=list)
    seq: int = 0
    _steps: dict[str, _Facts] = field(init=False)
    _effects: list[str] = field(default_factory=list)
    _failed: set[str] = field(default_factory=set)
    _approved: str = ""
    _validated: str = ""
    _started: bool = False
    _rollback_began: bool = False
    _before: Claim = field(init=False)

    def __post_init__(self) -> None:
        self._steps = {step.id: _Facts(step) for step in self.plan.steps}
        self._before = Claim("pending", tuple("pending" for _ in self.plan.steps))

    def copy(self) -> Judge:
        twin = copy.copy(self)
        twin.violations = list(self.violations)
        twin._steps = {name: replace(facts) for name, facts in self._steps.items()}
        twin._effects = list(self._effects)
        twin._failed = set(self._failed)
        return twin

    def key(self) -> Hashable:
        """Equal for two judges that will judge every future alike."""
        return (
            tuple(facts.key() for facts in self._steps.values()),
            tuple(self._effects),
            frozenset(self._failed),
            self._approved,
            self._validated,
            self._started,
            self._rollback_began,
        )

    def blame(self, number: str, message: str) -> None:
        self.violations.append(Violation(number, self.seq, message))

    def launched(self, launch: Launch) -> None:
        """Something was launched now: its intent must be written, and serve this one launch (I3, I4)."""
        facts, what = self._steps[launch.step], f"{launch.purpose} {launch.step} {launch.attempt}"
        if launch.purpose == "check":
            self._must("S5", facts.step.check is not None, f"{what}: no check is declared")
            self._must("S4", facts.unknown, f"{what}: the step is {facts.state}")
            return
        undo = launch.purpose == "rollback"
        intended = facts.state == ("rolling_back" if undo else "running")
        number = facts.undo_attempt if undo else facts.attempt
        self._must("I3", intended and launch.attempt == number, f"{what} has no intent")
        self._must("I4", not facts.launched, f"{what} was launched already")
        facts.launched = True

    def feed(self, event: on.Event, after: Claim) -> None:
        """Take one event of the journal, and what the run claims once it was applied."""
        self.seq += 1
        named = getattr(event, "step", "")
        self._rows(event, after, named)
        match event:
            case on.RunApproved(digest):
                self._approved = digest
            case on.RunValidated(digest):
                self._validated = digest
            case on.RunStarted():
                self._started = True
                self._must("I19", self._approved == self.plan.digest, "started unapproved")
                self._must("I19", self._validated == self.plan.digest, "started unvalidated")
            case on.RunResumed():
                self._resumed(event)
            case on.RollbackRequested():
                for facts in self._steps.values():
                    facts.undo_tries = facts.undo_lost = 0
            case on.RunnerLost():
                for facts in self._steps.values():
                    self._runner_lost(facts)
            case _ if named:
                self._about(self._steps[named], event)
        self._judge(event, after)
        self._before = after
        self._rollback_began = self._rollback_began or after.plan == "rolling_back"

    # The model: what each fact means.

    def _about(self, facts: _Facts, event: on.Event) -> None:
        match event:
            case on.StepStarted(_, attempt):
                self._may_start(facts, attempt)
                facts.state, facts.attempt, facts.launched = "running", attempt, False
                facts.tries += 1
                if facts.compensates_a_start:
                    self._has_effect(facts)
            case on.StepCompleted(_, attempt):
                self._in_flight(facts, "running", attempt == facts.attempt)
                self._completed(facts)
            case on.StepFailed(_, attempt):
                self._step_failed(facts, attempt)
            case on.StepCancelled(_, attempt):
                self._in_flight(facts, "running", attempt == facts.attempt)
                facts.state = "failed"
            case on.StepSkipped():
                facts.spoilt = self._needs_what_failed(facts)
                may = facts.spoilt or facts.step.condition is not None
                self._must("I15", may, "skipped without a reason")
                self._is_its_turn(facts)
                facts.state, facts.settled = "skipped", True
            case on.StepProbed(_, verdict):
                self._must("S5", facts.step.check is not None, "probed without a check")
                self._must("I17", facts.unknown, f"{facts.step.id} was probed, but not unknown")
                if verdict == "done":
                    self._completed(facts)
                elif verdict == "not_done":
                    facts.state = "pending"
            case on.StepMarked(_, "done"):
                self._completed(facts)
            case on.StepMarked(_, "undone"):
                self._undone(facts)
            case on.UndoStarted(_, attempt):
                self._may_be_undone(facts, attempt)
                facts.state, facts.undo_attempt, facts.launched = "rolling_back", attempt, False
                facts.undo_tries += 1
            case on.UndoCompleted(_, attempt):
                self._in_flight(facts, "rolling_back", attempt == facts.undo_attempt)
                self._undone(facts)
            case on.UndoFailed(_, attempt):
                self._in_flight(facts, "rolling_back", attempt == facts.undo_attempt)
                facts.state = "rollback_failed"
            case on.UndoCancelled(_, attempt):
                self._in_flight(facts, "rolling_back", attempt == facts.undo_attempt)
                facts.state = "rollback_failed"
                facts.undo_lost += 1

    def _step_failed(self, facts: _Facts, attempt: int) -> None:
        if attempt:
            self._in_flight(facts, "running", attempt == facts.attempt)
            if facts.tries < facts.step.retry.attempts:
                facts.state = "pending"
                return
        else:
            self._must("S5", facts.step.condition is not None, "rejected without a condition")
            self._is_its_turn(facts)
            self._must("I8", not self._needs_what_failed(facts), "rejected, but was to be skipped")
        facts.state = "failed"
        if facts.step.on_failure != "stop":
            facts.settled = True
            facts.spoilt = facts.step.on_failure == "skip_dependents"
        else:
            self._failed.add(facts.step.id)

    def _runner_lost(self, facts: _Facts) -> None:
        if facts.state == "running":
            facts.state = "interrupted"
            facts.lost += 1
        elif facts.state == "rolling_back":
            facts.state = "rollback_failed"
            facts.undo_lost += 1

    def _resumed(self, event: on.RunResumed) -> None:
        self._must("I19", event.digest == self.plan.digest, "resumed another digest")
        for name in event.done:
            self._completed(self._steps[name])
        for facts in self._steps.values():
            name = facts.step.id
            asked_for = name in event.rerun or any(
                self._follows(name, first) for first in event.from_steps
            )
            tried = facts.state in {"failed", "rolled_back"} and not facts.settled
            tried = tried or facts.spoilt
            if asked_for or tried:
                self._again(facts)

    def _again(self, facts: _Facts) -> None:
        facts.state, facts.settled, facts.spoilt = "pending", False, False
        facts.tries = facts.lost = 0

    def _needs_what_failed(self, facts: _Facts) -> bool:
        return any(self._steps[need].spoilt for need in facts.step.depends_on)

    def _follows(self, name: str, first: str) -> bool:
        """Whether the step is `first` or depends on it, however far."""
        needs = self._steps[name].step.depends_on
        return name == first or any(self._follows(need, first) for need in needs)

    def _completed(self, facts: _Facts) -> None:
        facts.state, facts.settled, facts.spoilt = "completed", True, False
        facts.outstanding, facts.was_undone = True, False
        if facts.step.rollback is not None:
            self._has_effect(facts)

    def _undone(self, facts: _Facts) -> None:
        facts.state, facts.settled, facts.spoilt = "rolled_back", False, False
        facts.outstanding, facts.was_undone = False, True
        if facts.step.id in self._effects:
            self._effects.remove(facts.step.id)

    def _has_effect(self, facts: _Facts) -> None:
        facts.was_undone = False
        if facts.step.id in self._effects:
            self._effects.remove(facts.step.id)
        self._effects.append(facts.step.id)

    # What must hold before a fact.

    def _may_start(self, facts: _Facts, attempt: int) -> None:
        name, step = facts.step.id, facts.step
        self._must("I19", self._started, f"{name} started before the run")
        self._must("I4", attempt == facts.attempt + 1, f"{name}: attempt {attempt} came before")
        self._must("I4", facts.state != "running", f"{name} is in flight already")
        self._must("I5", not facts.unknown or step.idempotent, f"{name} is unknown, was relaunched")
        self._must("I6", facts.state not in {"completed", "skipped"}, f"{name} was concluded")
        self._must("I6", facts.state != "rolled_back", f"{name} was undone; nobody resumed")
        enough = step.retry.attempts + facts.lost
        self._must("I7", facts.tries < enough, f"{name}: try {facts.tries + 1} of {enough}")
        self._must("I7", facts.state != "failed", f"{name} failed for good; nobody resumed")
        self._must("I8", not self._needs_what_failed(facts), f"{name} needs a step that failed")
        self._must("I9", not self._rollback_began, f"{name} started after the rollback began")
        self._is_its_turn(facts)
        running = sum(other.state == "running" for other in self._steps.values())
        bound = self.plan.parallel
        self._must("S2", running < bound, f"{name} is one more than {bound} at once")

    def _is_its_turn(self, facts: _Facts) -> None:
        name = facts.step.id
        for need in facts.step.depends_on:
            self._must("I8", self._steps[need].settled, f"{name} came before {need} was concluded")
        self._must("S4", self._before.plan == "running", f"{name} came while {self._before.plan}")
        others = [o.step.id for o in self._steps.values() if o.unknown and o is not facts]
        self._must("I17", facts.unknown or not others, f"{name} passed over {others}")

    def _may_be_undone(self, facts: _Facts, attempt: int) -> None:
        name, rollback = facts.step.id, facts.step.rollback
        self._must("S5", rollback is not None, f"{name} declares no rollback")
        self._must("I4", attempt == facts.undo_attempt + 1, f"{name}: undo {attempt} came before")
        if name not in self._effects:
            number = "I10" if facts.was_undone else "I13"
            self._must(number, False, f"{name} has no effect that is outstanding")
        elif facts.state != "running":
            others = self._effects[self._effects.index(name) + 1 :]
            self._must("I12", not others, f"{name} was undone before {others}")
        enough = (rollback.retry.attempts if rollback else 0) + facts.undo_lost
        self._must("I7", facts.undo_tries < enough, f"{name}: undo more than {enough} times")
        unknown = [other.step.id for other in self._steps.values() if other.undecided]
        self._must("I17", not unknown, f"{name} is undone while {unknown} is unknown")
        for other in self._steps.values():
            idle = other.state not in {"running", "rolling_back"}
            self._must("S4", idle, f"{name} is undone while {other.step.id} is {other.state}")
        self._must("S4", self._before.plan == "rolling_back", f"{name}: no rollback goes on")

    def _in_flight(self, facts: _Facts, state: str, same: bool) -> None:
        self._must("I4", facts.state == state and same, f"{facts.step.id} ended, was not begun")

    # What must hold of the run's own word.

    def _rows(self, event: on.Event, after: Claim, named: str) -> None:
        """I1: each change of state is a row of the table, and of a trigger that this fact fires."""
        may = {self._before.plan}
        trigger = _PLAN_TRIGGERS.get(type(event))
        if trigger is not None:
            may = self._dests(may, (trigger,))
            self._must("I1", bool(may), f"`{trigger}` was taken while {self._before.plan}")
        elif isinstance(event, on.StepFailed):
            may |= self._dests(may, ("step_failed",))
        elif isinstance(event, on.UndoFailed):
            may |= self._dests(may, ("rollback_failed",))
        may |= self._dests(may, _SETTLING)
        self._must("I1", after.plan in may, f"run: {self._before.plan} → {after.plan}")
        moves = _STEP_MOVES.get(type(event), frozenset())
        for step, old, new in zip(self.plan.steps, self._before.steps, after.steps, strict=True):
            if step.id == named:
                ok = (old, new) in moves
            elif isinstance(event, on.RunnerLost):
                ok = old == new or (old, new) in _LOSING
            elif isinstance(event, on.RunResumed):
                ok = old == new or (old, new) in _RESUMING
            else:
                ok = old == new
            self._must("I1", ok, f"{step.id}: {old} → {new} by {type(event).__name__}")

    def _dests(self, states: set[str], triggers: Iterable[str]) -> set[str]:
        rows = [row for row in _PLAN_TABLE.rows if row.trigger in triggers]
        return {self._dest(r.scenario, r.dest, s) for r in rows for s in r.source if s in states}

    def _dest(self, scenario: str | None, dest: str, source: str) -> str:
        """The row's dest as the plan's own answer has it; `continue` stays where it is."""
        answer = getattr(self.plan.error_handling, scenario) if scenario else ""
        return _ANSWERS.get(answer, source) if scenario else dest

    def _judge(self, event: on.Event, after: Claim) -> None:
        every = self._steps.values()
        for facts, state in zip(every, after.steps, strict=True):
            name = facts.step.id
            self._must("I2", facts.state == state, f"{name} is {state}, must be {facts.state}")
            if state == "rolled_back" and not facts.was_undone:
                self._must("I11", False, f"{name} is {state}, but nothing undid it")
        if isinstance(event, on.StepFailed):
            self._answers(self._steps[event.step], after)
        if after.plan in _FINAL:
            flying = [f.step.id for f in every if f.state in {"running", "rolling_back"}]
            self._must("I16", not flying, f"{after.plan}, but {flying} is in flight")
        if after.plan == self._before.plan:
            return
        unknown = [facts.step.id for facts in every if facts.undecided]
        if after.plan == "rolled_back":
            self._must("I14", not self._effects, f"{self._effects} is outstanding")
            self._must("I14", not unknown, f"{unknown} is unknown")
            self._must("I17", not unknown, f"{unknown} was passed over")
        if after.plan == "completed":
            self._must("I17", not unknown, f"{unknown} was passed over")
            for facts in every:
                fine = facts.settled and not facts.spoilt
                self._must("I15", fine, f"completed, but {facts.step.id} {facts.state}")
        if after.plan == "failed" and not self._gave_up(event):
            self._must("S3", all(f.settled for f in every), "failed, but not all is settled")
            self._must("S3", any(f.spoilt for f in every), "failed, but no failure remains")

    def _gave_up(self, event: on.Event) -> bool:
        """Whether the run was being aborted, or is by the plan's answer to this failure."""
        policy = self.plan.error_handling
        answers = (policy.single_failure, policy.multiple_failures)
        failed = isinstance(event, on.StepFailed) and self._steps[event.step].state == "failed"
        return (
            self._before.plan == "aborting"
            or isinstance(event, on.RunAborted)
            or (failed and "abort" in answers and not self._steps[event.step].settled)
        )

    def _answers(self, facts: _Facts, after: Claim) -> None:
        """S3: what the plan says to a step that failed for good (S0, error table)."""
        if facts.state != "failed" or self._before.plan not in {"running", "paused"}:
            return
        policy, before = self.plan.error_handling, self._before.plan
        several = len(self._failed) >= policy.several
        if facts.settled or (not several and before == "paused"):
            expected = before
        else:
            answer = policy.multiple_failures if several else policy.single_failure
            expected = _ANSWERS.get(answer, before)
        may = {expected} | self._dests({expected}, _SETTLING)
        self._must("S3", after.plan in may, f"after the failure {after.plan}, not {expected}")

    def _must(self, number: str, holds: bool, message: str) -> None:
        if not holds:
            self.blame(number, message)
