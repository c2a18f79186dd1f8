"""Everything that can happen to a small run, in every order, each situation looked at once.

A situation is a run, its judge, what is in flight, and what may still go wrong: so many crashes, so many
words of persons. The run's commands are carried out as soon as they are given, as the executor does, with a
crash possible between any two events; what is in flight may end in any order and in every way.

It shares nothing with `fsm.run.explore`, which explores the plans of users, on purpose. That search leaves
out crashes, marks, aborts, pauses and cancelled attempts, which are what is judged here; and it is quick
because it takes situations for one that the rules of the core make alike (`fsm.run.explore.keys`): what
proves the core may not believe them. So here each situation is a whole copy of the run, and told from others
by its judge, too.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from itertools import product

from fsm.errors import TransitionRefused
from fsm.plan.model import Plan
from fsm.run import Run
from fsm.run import commands as do
from fsm.run import events as on
from fsm.run.endings import Purpose
from fsm.run.simulate import Launch, Simulator
from fsm.run.step import StepRecord

from .invariants import Judge, claim

__all__ = ["Explorer", "Situation"]

_LATER = 10.0
_RETRY = 5.0
_KEPT = tuple(f.name for f in fields(StepRecord) if f.name not in {"run", "step"})
_TOLD_APART_BY = (
    *("state", "tries", "waiting", "concluded", "outstanding", "undo_tries"),
    *("check_failed", "marked", "cause"),
)


@dataclass(slots=True)
class Situation:
    """Where a run may be. `said` is the event that led here from `before`."""

    run: Run
    judge: Judge
    flights: dict[str, tuple[Purpose, bool]]
    crashes: int
    words: int
    now: float = 0.0
    before: Situation | None = None
    said: on.Event | None = None

    def next(self, said: on.Event | None = None) -> Situation:
        """A copy to be changed; with `said`, an event that it has taken."""
        twin = replace(
            self, run=_copy(self.run), judge=self.judge.copy(), flights=dict(self.flights)
        )
        twin.before, twin.said = self, said
        if said is not None:
            twin.run.apply(said)
            twin.judge.feed(said, claim(twin.run))
        return twin

    def key(self) -> Hashable:
        """Equal for situations with the same futures."""
        run = self.run
        steps = tuple(
            (
                *[getattr(record, name) for name in _TOLD_APART_BY],
                record.attempt > 0,
                max(record.not_before - self.now, 0.0),
            )
            for record in run.steps
        )
        ready = {i for i in run._ready if run.steps[i].state == "pending"}
        delayed = {(due - self.now, i) for due, i in run._delayed if run.steps[i].not_before == due}
        return (
            (run.state, steps, frozenset(run.failed), run.unsettled, run.given_up),
            (tuple(run.in_flight), tuple(run._interrupted), tuple(run._undo)),
            (frozenset(ready), frozenset(delayed)),
            self.judge.key(),
            frozenset(self.flights.items()),
            (self.crashes, self.words),
        )

    def story(self) -> str:
        """How it came to this."""
        events = []
        at: Situation | None = self
        while at is not None:
            if at.said is not None:
                events.append(f"  {at.said}")
            at = at.before
        told = "\n".join([*reversed(events), f"  ends {claim(self.run)}, in flight {self.flights}"])
        return "\n".join([told, *map(str, self.judge.violations)])


@dataclass(slots=True)
class Explorer:
    """Explores one plan. `ends` counts, by state, the situations in which nothing moves any more."""

    plan: Plan
    crashes: int = 2
    words: int = 2
    seen: set[Hashable] = field(default_factory=set)
    steps: int = 0
    resting: set[Hashable] = field(default_factory=set)
    ends: dict[str, int] = field(default_factory=dict)

    def explore(self) -> Situation | None:
        """Look at every situation; returns the first one that breaks a rule, None if all is well."""
        todo = [self._begin()]
        self.seen = {todo[0].key()}
        while todo:
            here = todo.pop()
            for following in self._following(here):
                self.steps += 1
                if following.judge.violations:
                    return following
                key = following.key()
                if key not in self.seen:
                    self.seen.add(key)
                    todo.append(following)
        return None

    def _begin(self) -> Situation:
        run, judge = Simulator(self.plan).run, Judge(self.plan)
        here = Situation(run, judge, {}, self.crashes, self.words)
        digest = self.plan.digest
        for event in (
            on.RunApproved(digest, "ann", "yes"),
            on.RunValidated(digest),
            on.RunStarted(),
        ):
            here = here.next(event)
        return here

    def _following(self, here: Situation) -> Iterator[Situation]:
        commands = here.run.commands(here.now)
        command = next((one for one in commands if _is_to_be_done(one, here)), None)
        waits = any(isinstance(one, do.Wait) for one in commands)
        if command is not None:
            yield _carried_out(command, here)
        else:
            for step in here.flights:
                yield from _endings(step, here)
            if waits:
                later = here.next()
                later.now += _LATER
                yield later
        if command is None and not here.flights and not waits:
            yield from self._rests(here)
        if here.crashes and here.run.needs_recovery:
            crashed = here.next(on.RunnerLost())
            crashed.flights.clear()
            crashed.crashes -= 1
            yield crashed
        if here.words:
            allowed = here.run._machine.allowed(here.run.state)
            for trigger, word in _words(here):
                if trigger not in allowed:
                    continue
                try:
                    said = here.next(word)
                except TransitionRefused:
                    continue
                said.words -= 1
                yield said

    def _rests(self, here: Situation) -> Iterator[Situation]:
        """Nothing moves any more: right only if a person is asked, and then it can be ended (I18)."""
        state = here.run.state
        self.ends[state] = self.ends.get(state, 0) + 1
        if state in {"running", "rolling_back", "aborting"}:
            here.judge.blame("I18", f"the run is {state}, but nothing is left to wait for")
            yield here
        if state in {"paused", "needs_intervention"} or (
            state == "failed" and not here.run.given_up
        ):
            key = replace(here, crashes=0, words=0).key()
            if key not in self.resting:
                self.resting.add(key)
                yield from _ended_well(here)


def _is_to_be_done(command: do.Command, here: Situation) -> bool:
    match command:
        case do.Wait():
            return False
        case do.ProbeStep(step):
            return step not in here.flights
        case do.CancelStep(step):
            return step in here.flights and not here.flights[step][1]
        case _:
            return True


def _carry_out(command: do.Command, here: Situation) -> Situation:
    match command:
        case do.StartStep(step, attempt):
            return _launched(here.next(on.StepStarted(step, attempt)), step, attempt, "run")
        case do.UndoStep(step, attempt):
            return _launched(here.next(on.UndoStarted(step, attempt)), step, attempt, "rollback")
        case do.ProbeStep(step):
            return _launched(here.next(), step, here.run.record(step).attempt, "check")
        case do.CancelStep(step):
            following = here.next()
            following.flights[step] = (following.flights[step][0], True)
            return following
        case do.SkipStep(step, reason):
            return here.next(on.StepSkipped(step, reason))
        case do.RejectStep(step, error):
            return here.next(on.StepFailed(step, 0, error))
    raise AssertionError(command)


def _carried_out(command: do.Command, here: Situation) -> Situation:
    try:
        return _carry_out(command, here)
    except TransitionRefused as error:
        following = here.next()
        following.judge.blame("I1", f"the run refused what it commanded: {error}")
        return following


def _launched(following: Situation, step: str, attempt: int, purpose: Purpose) -> Situation:
    following.judge.launched(Launch(step, attempt, purpose, 0.0, 0))
    if step in following.flights:
        following.judge.blame("I4", f"{step} is in flight already")
    following.flights[step] = (purpose, False)
    return following


def _endings(step: str, here: Situation) -> Iterator[Situation]:
    purpose, cancelled = here.flights[step]
    record, events = here.run.record(step), list[on.Event]()
    if purpose == "check":
        events += [on.StepProbed(step, verdict) for verdict in ("done", "not_done", "unknown")]
    elif purpose == "run":
        attempt, last = record.attempt, record.tries >= record.step.retry.attempts
        delay = 0.0 if last or not record.step.retry.delay_seconds else here.now + _RETRY
        events += [
            on.StepCompleted(step, attempt),
            on.StepFailed(step, attempt, "", retry_at=delay),
        ]
        events += [on.StepCancelled(step, attempt)] if cancelled else []
    else:
        attempt = record.undo_attempt
        events += [on.UndoCompleted(step, attempt), on.UndoFailed(step, attempt, "")]
        events += [on.UndoCancelled(step, attempt)] if cancelled else []
    for event in events:
        try:
            following = here.next(event)
        except TransitionRefused as error:
            following = here.next()
            following.said = event
            following.judge.blame("I1", f"a fact was refused: {error}")
        following.flights.pop(step)
        yield following


def _words(here: Situation) -> Iterator[tuple[str, on.Event]]:
    """What a person may say. Over a flight, only that it shall stop (the executor's process holds it)."""
    digest, names = here.run.plan.digest, [step.id for step in here.run.plan.steps]
    yield "pause", on.RunPaused()
    if not any(purpose == "check" for purpose, _ in here.flights.values()):
        yield "rollback", on.RollbackRequested()
        yield "abort", on.RunAborted()
    if here.flights:
        return
    for name in names:
        yield "mark", on.StepMarked(name, "done", "ann", "")
        yield "mark", on.StepMarked(name, "undone", "ann", "")
        yield "resume", on.RunResumed(digest, from_steps=(name,))
    lost = [record.id for record in here.run.interrupted]
    for answers in product(("", "rerun", "done"), repeat=len(lost)):
        said = list(zip(lost, answers, strict=True))
        rerun = tuple(name for name, answer in said if answer == "rerun")
        done = tuple(name for name, answer in said if answer == "done")
        yield "resume", on.RunResumed(digest, rerun=rerun, done=done)


def _ended_well(here: Situation) -> Iterator[Situation]:
    """From here everything succeeds and every question is answered; yields only what goes wrong."""
    run = here.run
    lost = tuple(record.id for record in run.interrupted)
    if run.state in {"paused", "failed"}:
        now, goal = here.next(on.RunResumed(run.plan.digest, rerun=lost)), "completed"
    else:
        now, goal = here, "rolled_back"
        for name in lost:
            now = now.next(on.StepMarked(name, "undone", "ann", ""))
        now = now.next(on.RollbackRequested())
    for _ in range(100):
        if now.run.state == goal:
            break
        commands = now.run.commands(now.now)
        command = next((one for one in commands if _is_to_be_done(one, now)), None)
        if command is not None:
            now = _carry_out(command, now)
        elif now.flights:
            now = next(_endings(next(iter(now.flights)), now))
        elif commands:
            now = now.next()
            now.now += _LATER
        else:
            break
    if now.run.state != goal:
        now.judge.blame("I18", f"nothing goes wrong any more, but the run is {now.run.state}")
    if now.judge.violations:
        yield now


def _copy(run: Run) -> Run:
    """A run of its own, whatever indexes it keeps: records are copied once, all else by its kind."""
    twin = object.__new__(type(run))
    records: Mapping[int, StepRecord] = {id(old): object.__new__(StepRecord) for old in run.steps}
    for old in run.steps:
        new = records[id(old)]
        new.run, new.step = twin, old.step
        for name in _KEPT:
            setattr(new, name, getattr(old, name))

    def copied(value: object) -> object:
        if isinstance(value, StepRecord):
            return records[id(value)]
        if isinstance(value, dict):
            return {key: copied(item) for key, item in value.items()}
        if isinstance(value, list):
            return [copied(item) for item in value]
        return set(value) if isinstance(value, set) else value

    for name, value in vars(run).items():
        setattr(twin, name, copied(value))
    return twin
