"""The simulator is worth what it has in common with the executor."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from fsm.engine.executor import Executor
from fsm.engine.ports import Failed, Inspection, Outcome, Succeeded, Task, World
from fsm.engine.site import Site
from fsm.errors import FsmError
from fsm.plan.model import Plan
from fsm.run import Run
from fsm.run import events as on
from fsm.run.endings import CRASHES, FAILS, SUCCEEDS, Chooser, Ending, Purpose, script
from fsm.run.simulate import Simulator, simulate

from .plans import CALL, TWICE_LATER, UNDO, plan, step
from .stories import random_plan


class ScriptedAction:
    """What the simulator is told to imagine, for the executor."""

    def __init__(self, chooser: Chooser) -> None:
        self.chooser = chooser

    async def inspect(
        self,
        action: str,
        params: Mapping[str, object],
        cwd: Path,
        env: Mapping[str, str],
        secrets: Sequence[bytes],
    ) -> Inspection:
        return {}

    async def perform(self, task: Task) -> Outcome:
        assert task.purpose != "dry_run"
        ending = self.chooser(task.step_id, task.attempt, task.purpose)
        if ending.how == "succeeded":
            return Succeeded(ending.outputs or {})
        return Failed(ending.error, ending.exit_code)

    def recollect(self, task: Task) -> Outcome | None:
        """Nothing is remembered."""
        return None

    def recorded(self) -> None:
        """Nothing is kept."""

    def close(self) -> None:
        """Nothing is shared."""


class ListJournal:
    run_id = "simulated"
    epoch, seq, hash = 1, 0, ""

    def __init__(self) -> None:
        self.events: list[on.Event] = []

    def append(self, events: Sequence[on.Event], *, at: float, state: str) -> None:
        self.events += events

    def keep(self, checkpoint: bytes) -> None: ...

    def forget_checkpoints(self) -> None: ...

    def close(self) -> None: ...


def executed(of: Plan, chooser: Chooser, begun: Sequence[on.Event]) -> list[on.Event]:
    """The journal that the real executor writes with the same endings."""
    nowhere = Path("/nowhere")
    site = Site(run_id="simulated", plan=of, cwd=nowhere, logs=nowhere / "logs", environ={})
    world = World(actions={"shell": ScriptedAction(chooser)}, site=site, now=lambda: 0.0)
    journal = ListJournal()
    journal.events += begun
    executor = Executor(Run.fold(of, begun, "simulated"), journal, world)
    asyncio.run(asyncio.wait_for(executor.drive(), 60))
    return journal.events


def timeless(event: on.Event) -> on.Event:
    timed: Any = event
    names = [name for name in ("seconds", "retry_at") if hasattr(event, name)]
    told: on.Event = replace(timed, **dict.fromkeys(names, 0.0))
    return told


def without_waits(of: Plan) -> Plan:
    """The plan one step at a time, with no delay before a retry: then nothing is left to chance."""
    steps = []
    for one in of.steps:
        rollback = one.rollback
        if rollback is not None:
            rollback = replace(rollback, retry=replace(rollback.retry, delay_seconds=0.0))
        retry = replace(one.retry, delay_seconds=0.0)
        steps.append(replace(one, retry=retry, rollback=rollback))
    return replace(of, steps=tuple(steps), parallel=1)


@pytest.mark.parametrize("number", range(40))
def test_the_simulator_writes_the_journal_that_the_executor_writes(number: int) -> None:
    rng = Random(f"parity:{number}")
    of = Plan.from_document(without_waits(random_plan(rng)).document)
    endings = {
        f"{one.id}{purpose}": [rng.choice((SUCCEEDS, SUCCEEDS, FAILS)) for _ in range(9)]
        for one in of.steps
        for purpose in ("", "@rollback", "@check")
    }
    sim = Simulator(of, script(endings))
    sim.begin()
    for _ in range(4):
        begun = list(sim.journal)
        sim.run_until_rest()
        really = executed(of, script(endings), begun)
        assert list(map(timeless, really)) == list(map(timeless, sim.journal))
        if sim.run.state == "paused":
            sim.request(on.RunResumed(of.digest))
        elif sim.run.state in {"needs_intervention", "completed"}:
            sim.request(on.RollbackRequested())
        else:
            break


def test_a_script_gives_each_attempt_its_ending_and_the_last_one_stays() -> None:
    choose = script({"a": [FAILS, CRASHES], "a@rollback": FAILS})
    assert [choose("a", attempt, "run") for attempt in (1, 2, 3)] == [FAILS, CRASHES, CRASHES]
    assert choose("a", 7, "rollback") == FAILS
    assert choose("a", 1, "check") == choose("b", 1, "run") == SUCCEEDS


def test_a_chooser_is_asked_once_for_each_launch() -> None:
    asked: list[tuple[str, int, Purpose]] = []

    def choose(name: str, attempt: int, purpose: Purpose) -> Ending:
        asked.append((name, attempt, purpose))
        return FAILS if name == "b" else SUCCEEDS

    sim = simulate(
        plan(step("a", rollback=UNDO), step("b", "a"), single_failure="rollback"), choose
    )
    assert asked == [("a", 1, "run"), ("b", 1, "run"), ("a", 1, "rollback")]
    assert [(one.step, one.attempt, one.purpose) for one in sim.launches] == asked


def test_time_jumps_to_the_next_moment_at_which_something_happens() -> None:
    sim = Simulator(plan(step("a", retry=TWICE_LATER)), script({"a": [FAILS, SUCCEEDS]}), now=1e9)
    sim.begin()
    moments = []
    while sim.step():
        moments.append(sim.now - 1e9)
    assert moments == [0.0, 1.0, 61.0]
    assert sim.now == 1e9 + 62.0


def test_what_a_person_says_happens_at_the_moment_of_the_last_turn() -> None:
    sim = Simulator(plan(step("a"), step("b")), script({"a": Ending(seconds=100.0)}))
    sim.begin()
    sim.step()
    sim.request(on.RunAborted(by="ann"))
    sim.run_until_rest()
    assert sim.now == 0.0
    assert sim.journal[-1] == on.StepCancelled("a", 1, "the run is aborting")


def test_only_the_journal_survives_a_crash() -> None:
    sim = Simulator(plan(step("a"), step("b"), parallel=2))
    sim.begin()
    sim.step()
    assert set(sim.in_flight) == {"a", "b"}
    before = sim.run
    sim.crash()
    assert sim.run is not before
    assert sim.in_flight == {}
    assert [record.state for record in sim.run.steps] == ["interrupted", "interrupted"]
    assert sim.journal[-1] == on.RunnerLost(by="simulator")


def test_a_check_that_takes_longer_than_the_grace_period_is_cancelled_and_tells_nothing() -> None:
    """As the executor has it (`fsm.engine.executor`): a check that was ended found nothing out."""
    of = plan(step("a", check=CALL))
    sim = simulate(of, script({"a": CRASHES, "a@check": Ending(seconds=60.0)}))
    sim.request(on.RunResumed(of.digest))
    sim.step()
    sim.stop("stopped by SIGINT", grace_seconds=10.0)
    sim.run_until_rest()
    told = on.StepProbed("a", "unknown", "its check was cancelled: stopped by SIGINT")
    assert told in sim.journal
    assert sim.run.record("a").state == "interrupted"


def test_an_old_journal_is_taken_up_where_it_ended() -> None:
    of = plan(step("a"), step("b"))
    first = simulate(of, script({"b": FAILS}))
    second = Simulator(of, journal=first.journal, now=first.now)
    second.request(on.RunResumed(of.digest))
    assert second.run_until_rest().state == "completed"
    assert [one.step for one in second.launches] == ["b"]


def test_a_run_that_is_stuck_is_an_error_and_not_a_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Run, "can_go_on", True)
    with pytest.raises(FsmError, match="nothing is left to wait for"):
        simulate(plan(step("a"), step("b", "a"), single_failure="continue"), script({"a": FAILS}))


def test_a_run_without_end_is_given_up_after_so_many_turns() -> None:
    sim = Simulator(plan(*(step(f"s{index}") for index in range(50))))
    sim.begin()
    with pytest.raises(FsmError, match="after 10 turns the run is still running"):
        sim.run_until_rest(turns=10)
