"""From a way that was found to a scenario that a person can read and a simulator can play.

The way is one of the plan without its retries, in which things end one after another. The scenario is one
of the plan itself: it is played, and counts only if what was found shows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from typing import Any, Final, Literal, cast

from fsm.errors import TransitionRefused
from fsm.plan.model import Plan, Step
from fsm.run import events as on
from fsm.run.endings import FAILS, SUCCEEDS, Ending, Purpose
from fsm.run.explore.moves import FORCED, Move, begin, fact, follow, renders
from fsm.run.explore.outputs import Choices, Outputs, stand_ins
from fsm.run.explore.skeleton import bare
from fsm.run.run import Run
from fsm.run.simulate import Simulator
from fsm.values import Value

__all__ = ["Act", "Scenario", "play", "scenarios"]


_SECOND: Final = 1.0


class Act(Value):
    """What somebody asks for, and what was arranged before: steps, by id, that end otherwise than so far.

    `returns` are all outputs of each step that returns others than so far, at first others than the text
    `STEP.NAME` that stands in for each. `takes` says how many seconds each attempt of a step takes from now
    on, if not as long as so far; at first one, or half of a shorter timeout.
    """

    asked: Literal["run", "resume", "from", "rollback"]
    step: str = ""
    fails: Sequence[str] = ()
    succeeds: Sequence[str] = ()
    rollback_fails: Sequence[str] = ()
    rollback_succeeds: Sequence[str] = ()
    returns: Mapping[str, Outputs] = field(default_factory=dict)
    takes: Mapping[str, float] = field(default_factory=dict)


class Scenario(Value):
    """One run, told by what people ask for."""

    acts: Sequence[Act]


def scenarios(plan: Plan, moves: Sequence[Move], choices: Choices) -> Iterator[Scenario]:
    """Scenarios that may show where these moves lead, the plainest first."""
    acts = _acts(plan, moves, choices)
    yield Scenario(acts)
    if plan.parallel > 1:
        yield Scenario(_timed(acts, _durations(plan, moves, choices)))


def _timed(acts: Sequence[Act], takes: Sequence[Mapping[str, float]]) -> Sequence[Act]:
    """The acts, with what each step takes from then on, where that changes."""
    told: dict[str, float] = {}
    timed = []
    for act, said in zip_longest(acts, takes, fillvalue=cast(Any, {})):
        new = {step: seconds for step, seconds in said.items() if told.get(step) != seconds}
        told.update(new)
        timed.append(replace(act, takes=new))
    return timed


def play(plan: Plan, scenario: Scenario) -> Simulator | None:
    """The simulation of it, at rest after the last act; `None` if somebody asks for what may not happen."""
    script = _Script(plan)
    simulator = script.simulator
    for act in scenario.acts:
        script.arrange(act)
        try:
            if act.asked == "run":
                simulator.begin()
            else:
                simulator.request(_word(plan, act))
        except TransitionRefused:
            return None
        simulator.run_until_rest()
    return simulator


def _word(plan: Plan, act: Act) -> on.Event:
    if act.asked == "rollback":
        return on.RollbackRequested(by="somebody")
    back = (act.step,) if act.asked == "from" else ()
    return on.RunResumed(plan.digest, by="somebody", from_steps=back)


class _Script:
    """How things end while a scenario is played: as its acts say, and as templates allow."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._takes: dict[str, float] = {}
        self._failing: set[tuple[str, Purpose]] = set()
        self._returns: dict[str, Outputs] = {}
        self._asked = stand_ins(plan)
        self.simulator = Simulator(plan, self._ending)

    def arrange(self, act: Act) -> None:
        """What is arranged before the act."""
        self._failing |= {(step, "run") for step in act.fails}
        self._failing -= {(step, "run") for step in act.succeeds}
        self._failing |= {(step, "rollback") for step in act.rollback_fails}
        self._failing -= {(step, "rollback") for step in act.rollback_succeeds}
        self._returns.update(act.returns)
        self._takes.update(act.takes)

    def _ending(self, name: str, _: int, purpose: Purpose) -> Ending:
        step = self._plan.step(name)
        if not renders(self.simulator.run, step, undo=purpose == "rollback"):
            return Ending("failed", 0.0)
        ending = FAILS if (name, purpose) in self._failing else SUCCEEDS
        timeout = step.timeout_seconds
        if purpose == "rollback":
            timeout = step.rollback.timeout_seconds if step.rollback else None
        seconds = self._takes.get(name) if purpose == "run" else None
        if seconds is not None and timeout is not None and seconds > timeout:
            return replace(FAILS, seconds=timeout)
        if seconds is None:
            seconds = _SECOND if timeout is None or timeout >= _SECOND else timeout / 2
        if purpose == "run" and ending is SUCCEEDS:
            outputs = self._returns.get(name, self._asked.get(name, {}))
            ending = replace(ending, outputs=outputs or None)
        return replace(ending, seconds=seconds)


def _acts(plan: Plan, moves: Sequence[Move], choices: Choices) -> Sequence[Act]:
    asked = stand_ins(plan)
    acts = [_Making("run")]
    failing: set[tuple[str, Purpose]] = set()
    returns: dict[str, Outputs] = {}
    for move in moves:
        name = plan.steps[move.step].id if move.step >= 0 else ""
        match move.what:
            case "resume" | "rollback" | "from":
                acts.append(_Making(move.what, name))
                continue
            case "completes":
                ways = choices.of.get(name)
                chosen = ways[move.choice] if ways else {}
                if chosen != returns.get(name, asked.get(name, {})):
                    acts[-1].returns[name] = returns[name] = chosen
        if move.choice != FORCED:
            acts[-1].ends(move, name, failing)
    return tuple(act.made() for act in acts)


@dataclass
class _Making:
    asked: Literal["run", "resume", "from", "rollback"]
    step: str = ""
    fails: list[str] = field(default_factory=list)
    succeeds: list[str] = field(default_factory=list)
    rollback_fails: list[str] = field(default_factory=list)
    rollback_succeeds: list[str] = field(default_factory=list)
    returns: dict[str, Outputs] = field(default_factory=dict)

    def ends(self, move: Move, name: str, failing: set[tuple[str, Purpose]]) -> None:
        """Arrange that the step, or its rollback, ends so, if it would not do so anyway."""
        purpose: Purpose = "run" if move.what in {"completes", "fails"} else "rollback"
        fails = move.what in {"fails", "undo_fails"}
        if fails == ((name, purpose) in failing):
            return
        told = {
            ("run", True): self.fails,
            ("run", False): self.succeeds,
            ("rollback", True): self.rollback_fails,
            ("rollback", False): self.rollback_succeeds,
        }
        told[purpose, fails].append(name)
        failing ^= {(name, purpose)}

    def made(self) -> Act:
        return Act(
            self.asked,
            self.step,
            tuple(self.fails),
            tuple(self.succeeds),
            tuple(self.rollback_fails),
            tuple(self.rollback_succeeds),
            self.returns,
        )


def _durations(
    plan: Plan, moves: Sequence[Move], choices: Choices
) -> Sequence[Mapping[str, float]]:
    """How long attempts must take, act by act, for things to end in this order; what is cancelled, longer."""
    unit = _unit(plan, moves)
    run = Run(bare(plan))
    now, began, takes = 0.0, dict[str, float](), [dict[str, float]()]

    def apply(event: on.Event) -> None:
        run.apply(event)
        if isinstance(event, on.StepStarted):
            began[event.step] = now
        elif isinstance(event, on.StepCancelled):
            takes[-1][event.step] = unit * (len(moves) + 1)

    begin(run, apply)
    for move in moves:
        now += unit
        if move.what in {"completes", "fails"} and move.choice != FORCED:
            step = plan.steps[move.step]
            attempts = step.retry.attempts if move.what == "fails" else 1
            spent = now - began[step.id] - (_delays(step) if attempts > 1 else 0.0)
            takes[-1][step.id] = round(max(spent / attempts, 0.001), 3)
        elif move.what in {"resume", "from", "rollback"}:
            takes.append({})
        apply(fact(run, move, choices.of))
        follow(run, apply)
    return takes


def _unit(plan: Plan, moves: Sequence[Move]) -> float:
    """Seconds between two ends: more than all waits for further attempts take, else what timeouts allow."""
    failing = {move.step for move in moves if move.what == "fails"}
    if delays := sum(_delays(plan.steps[index]) for index in failing):
        return 1.0 + round(delays)
    timeouts = [s.timeout_seconds for s in plan.steps if s.timeout_seconds is not None]
    return min(_SECOND, round(min(timeouts, default=60.0) / (len(moves) + 2), 3))


def _delays(step: Step) -> float:
    """The seconds that all waits before further attempts take together."""
    return sum(step.retry.delay_after(n, 0.5) for n in range(1, step.retry.attempts))
