"""Random plans, and random stories of what may happen to a run of them: all from one `Random`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import fields, is_dataclass
from random import Random

from fsm.errors import FsmError, TransitionRefused
from fsm.plan.model import ErrorHandling, Plan, Response, Retry, Rollback, Step
from fsm.run import Run
from fsm.run import events as on
from fsm.run.endings import SUCCEEDS, Chooser, Ending, Purpose
from fsm.run.simulate import Simulator
from fsm.run.snapshot import restore, snapshot
from fsm.run.step import StepRecord

from .invariants import Judge, Violation, claim
from .plans import CALL

__all__ = ["Story", "Watched", "essence", "random_plan", "tell"]

RESPONSES: tuple[Response, ...] = ("pause", "rollback", "abort", "continue")
CONDITIONS = (
    "true",
    "false",
    "params.nobody",
    "steps.{other}.state == 'completed'",
    "steps.{other}.outputs.n == '1'",
)


def random_plan(rng: Random) -> Plan:
    """Up to eight steps, any acyclic graph, every feature of a step, every policy."""
    steps: list[Step] = []
    for index in range(rng.randint(1, 8)):
        earlier = [step.id for step in steps]
        needs = [name for name in earlier if rng.random() < rng.choice((0.1, 0.4))]
        steps.append(_random_step(rng, f"s{index}", needs))
    policy = ErrorHandling(
        single_failure=rng.choice(RESPONSES),
        several=rng.choice((2, 2, 3)),
        multiple_failures=rng.choice(RESPONSES),
    )
    return Plan(
        id="random",
        name="random",
        parallel=rng.randint(1, 4),
        error_handling=policy,
        steps=tuple(steps),
    )


def _random_step(rng: Random, name: str, needs: list[str]) -> Step:
    rollback = Rollback(
        call=CALL, retry=_random_retry(rng), on=rng.choice(("completed", "completed", "started"))
    )
    condition = rng.choice(CONDITIONS).format(other=rng.choice(needs)) if needs else "true"
    return Step(
        id=name,
        name=name,
        call=CALL,
        depends_on=tuple(needs),
        condition=condition if rng.random() < 0.25 else None,
        retry=_random_retry(rng),
        idempotent=rng.random() < 0.3,
        check=CALL if rng.random() < 0.35 else None,
        rollback=rollback if (undoable := rng.random() < 0.75) else None,
        read_only=not undoable and rng.random() < 0.3,
        on_failure=rng.choices(("stop", "continue", "skip_dependents"), (8, 1, 2))[0],
    )


def _random_retry(rng: Random) -> Retry:
    attempts = rng.choice((1, 1, 2, 3))
    return Retry(attempts=attempts, delay_seconds=rng.choice((0.0, 1.0, 100.0)))


UNCHECKED = frozenset({"_dependents", "_machine", "_ready", "_delayed", "plan", "run", "step"})
"""What `essence` leaves out: what never changes, and the two heaps, whose order says nothing."""


def essence(run: Run, now: float | None = None) -> object:
    """All that a run knows, as plain values, to be compared.

    With `now` given, what asking for commands at `now` may tidy up is left out too: a retry that has
    come due, and whether a step stands in the heap.
    """

    def plain(value: object, name: str = "") -> object:
        if now is not None and name == "queued":
            return None
        if now is not None and name == "not_before" and isinstance(value, float):
            return max(value, now)
        if isinstance(value, StepRecord) and name != "steps":
            return value.id
        if isinstance(value, list | tuple):
            return [plain(item, name) for item in value]
        if isinstance(value, set | frozenset):
            return sorted(map(str, value))
        if isinstance(value, Mapping):
            return [(key, plain(item)) for key, item in value.items()]
        if isinstance(value, StepRecord):
            kept = [f.name for f in fields(value) if f.name not in UNCHECKED]
            return {kept_name: plain(getattr(value, kept_name), kept_name) for kept_name in kept}
        return repr(value) if is_dataclass(value) else value

    kept = {name: value for name, value in vars(run).items() if name not in UNCHECKED}
    if now is None:
        kept |= {"ready": sorted(run._ready), "delayed": sorted(run._delayed)}
    return {name: plain(value, name) for name, value in kept.items()}


class Watched(Simulator):
    """A simulator whose every event is judged, and folded a second time beside the run (I2).

    A refused request must leave the run as it was; `refusals` counts them.
    """

    def __init__(self, plan: Plan, chooser: Chooser) -> None:
        super().__init__(plan, chooser)
        self.judge = Judge(plan)
        self.refusals = 0
        self._shadow = type(self.run)(plan, self.run.run_id)

    def request(self, event: on.Event) -> None:
        before = essence(self.run)
        try:
            super().request(event)
        except TransitionRefused:
            self.refusals += 1
            if essence(self.run) != before:
                self.judge.blame("I1", f"{event} was refused, but changed the run")
            raise
        self._shadow.apply(event)
        self.judge.feed(event, claim(self.run))
        if essence(self.run, self.now) != essence(self._shadow, self.now):
            self.judge.blame("I2", f"after {event} the fold of the journal is another run")

    def crash(self) -> None:
        before = claim(self.run)
        super().crash()
        if not isinstance(self.journal[-1], on.RunnerLost) and claim(self.run) != before:
            self.judge.blame("I2", "the fold of the journal is another run")

    def _launch(self) -> None:
        first = len(self.launches)
        super()._launch()
        for launch in self.launches[first:]:
            self.judge.launched(launch)


class Story:
    """One random run: what happened, and what the judge says of it."""

    def __init__(self, rng: Random, plan: Plan | None = None, watched: type[Watched] = Watched):
        self.rng = rng
        self.plan = plan or random_plan(rng)
        self.faults = True
        self.crashes = 0
        self.sim = watched(self.plan, self._ending)
        self.failing = rng.choice((0.0, 0.1, 0.3, 0.6))
        self.crashing = rng.choice((0.0, 0.0, 0.05, 0.15))
        self.meddling = rng.choice((0.02, 0.1, 0.4))

    @property
    def violations(self) -> list[Violation]:
        return self.sim.judge.violations

    def __str__(self) -> str:
        events = "\n".join(f"  {seq:3} {event}" for seq, event in enumerate(self.sim.journal, 1))
        steps = "\n".join(f"  {_brief(step)}" for step in self.plan.steps)
        rules = f"parallel {self.plan.parallel}, {self.plan.error_handling}"
        broken = "\n".join(map(str, self.violations))
        return f"{rules}\n{steps}\n{events}\n  ends {claim(self.sim.run)}\n{broken}"

    def _ending(self, _step: str, _attempt: int, purpose: Purpose) -> Ending:
        rng = self.rng
        seconds = rng.choice((0.0, 1.0, 1.0, 2.0, 7.0))
        if not self.faults:
            return SUCCEEDS
        if rng.random() < self.crashing:
            self.crashes += 1
            return Ending("crashed", seconds)
        if purpose == "check":
            how = rng.choice(("succeeded", "failed", "failed"))
            return Ending(how, seconds, exit_code=rng.choice((1, 2)))  # type: ignore[arg-type]
        if rng.random() < self.failing:
            return Ending("failed", seconds)
        return Ending("succeeded", seconds, {"n": rng.choice("01")})

    def begin(self) -> None:
        """Approve, validate and start; sometimes wrongly first, which must be refused."""
        digest = self.plan.digest
        if self.rng.random() < 0.1:
            self._try(on.RunApproved(self.rng.choice((digest, "f" * 64)), "eve", "digest"))
            self._try(on.RunValidated(self.rng.choice((digest, "f" * 64))))
            self._try(on.RunStarted())
        if self.sim.run.state == "pending":
            self.sim.begin()

    def go(self, turns: int) -> None:
        """Let `turns` turns pass, with crashes and persons in between."""
        for _ in range(turns):
            if self.rng.random() < self.crashing:
                self.crashes += 1
                self.sim.crash()
            resting = not self.sim.step() and self.sim.run.state not in {"running", "rolling_back"}
            if self.rng.random() < (0.6 if resting else self.meddling):
                self._somebody_asks()
            if self.rng.random() < 0.1:
                self._restore()

    def end(self) -> None:
        """From here on nothing goes wrong, and a person does what is needed: it must end (I18)."""
        self.faults = False
        rejected = len(self.sim.journal)
        for _ in range(12):
            run = self.sim.run_until_rest(turns=1_000)
            for flight in run.in_flight.values():
                self.sim.judge.blame("I16", f"{flight.id} was left in flight")
            if run.state == "paused":
                unknown = [record.id for record in run.steps if record.state == "interrupted"]
                rerun = [name for name in unknown if self.rng.random() < 0.5]
                done = [name for name in unknown if name not in rerun]
                answer = on.RunResumed(
                    self.plan.digest, by="ann", rerun=tuple(rerun), done=tuple(done)
                )
                self.sim.request(answer)
            elif run.state == "needs_intervention":
                for record in run.steps:
                    if record.state == "interrupted":
                        self.sim.request(on.StepMarked(record.id, "undone", "ann", "I looked"))
                self.sim.request(on.RollbackRequested(by="ann"))
            elif run.state == "failed" and not run.given_up:
                self.sim.request(on.RunResumed(self.plan.digest, by="ann"))
            elif run.state not in {"running", "rolling_back", "aborting"}:
                break  # else the runner died: that was decided when it was launched
        state = self.sim.run.state
        undecidable = any(
            isinstance(event, on.StepFailed) and event.attempt == 0
            for event in self.sim.journal[rejected:]
        )
        if state not in {"completed", "failed", "rolled_back"} and not undecidable:
            self.sim.judge.blame("I18", f"nothing goes wrong any more, but the run is {state}")
        run = self.sim.run
        fold = type(run).fold(self.plan, self.sim.journal, run.run_id)
        if essence(fold, self.sim.now) != essence(run, self.sim.now):
            self.sim.judge.blame("I2", "the fold of the whole journal is another run")

    def _restore(self) -> None:
        """A checkpoint of this moment must give a run that is equal, and wants the same (I2)."""
        run = self.sim.run
        state = json.loads(json.dumps(snapshot(run)))
        try:
            restored = restore(self.plan, run.run_id, state)
        except ValueError as error:
            self.sim.judge.blame("I2", f"the checkpoint cannot be restored: {error}")
            return
        if essence(restored, self.sim.now) != essence(run, self.sim.now):
            self.sim.judge.blame("I2", "the checkpoint restores another run")
        if restored.commands(self.sim.now) != run.commands(self.sim.now):
            self.sim.judge.blame("I2", "the checkpoint restores a run that wants something else")

    def _somebody_asks(self) -> None:
        rng, sim = self.rng, self.sim
        if any(launch.purpose == "check" for launch in sim.in_flight.values()):
            self._try(on.RunPaused(by="ann"))
            return  # beyond that, no person speaks over a check
        digest = self.plan.digest if rng.random() < 0.95 else "f" * 64
        lost = [record.id for record in sim.run.steps if record.state == "interrupted"]
        answered = [name for name in lost if rng.random() < 0.8]
        cut = rng.randint(0, len(answered))
        some = (self._anyone(), self._anyone())
        events = (
            on.RunPaused(by="ann", reason="lunch"),
            on.RollbackRequested(by="ann", reason="enough"),
            on.RunAborted(by="ann", reason="enough"),
            on.StepMarked(self._anyone(), "done", "ann", "I did it"),
            on.StepMarked(self._anyone(), "undone", "ann", "I undid it"),
            on.RunResumed(digest, by="ann", from_steps=(self._anyone(),)),
            on.RunResumed(digest, by="ann", rerun=some[:1], done=some[1:]),
            on.RunResumed(digest, rerun=tuple(answered[:cut]), done=tuple(answered[cut:])),
        )
        self._try(rng.choices(events, (4, 1, 1, 3, 3, 4, 1, 12))[0])

    def _anyone(self) -> str:
        return self.rng.choice(self.plan.steps).id

    def _try(self, event: on.Event) -> None:
        with suppress(TransitionRefused):
            self.sim.request(event)


def tell(rng: Random, turns: int = 40, watched: type[Watched] = Watched) -> Story:
    """A whole story. What the core raises against its own commands is a violation too."""
    story = Story(rng, watched=watched)
    try:
        story.begin()
        story.go(rng.randint(5, turns))
        story.end()
    except (FsmError, AssertionError, LookupError) as error:
        stuck = "nothing is left to wait for" in str(error) or "turns the run is still" in str(
            error
        )
        story.sim.judge.blame("I18" if stuck else "I1", f"{type(error).__name__}: {error}")
    return story


def _brief(step: Step) -> str:
    """The step as its author would see it: what is not the default."""
    shown = {f.name: getattr(step, f.name) for f in fields(step)}
    rollback = step.rollback
    if rollback is not None:
        shown["rollback"] = f"on {rollback.on}, {rollback.retry.attempts} attempts"
    shown["retry"] = f"{step.retry.attempts} attempts, {step.retry.delay_seconds} s"
    unsaid = ("id", "name", "call", "env")
    return f"{step.id}: " + ", ".join(
        f"{name} {value}" for name, value in shown.items() if value and name not in unsaid
    )
