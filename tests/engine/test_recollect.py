"""What a dead runner left in flight: recorded as it ended, as far as its action knows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from fsm.engine.ports import Failed, Outcome, Succeeded, Task
from fsm.plan.model import Plan, Retry, Rollback
from fsm.run import events as on

from .world import Scripted, Started, plan, started, step


@dataclass
class Remembering(Scripted):
    """An action that knows how some attempts ended, by `PURPOSE STEP.ATTEMPT`."""

    known: Callable[[str], Outcome | None] = lambda _: None

    def recollect(self, task: Task) -> Outcome | None:
        return self.known(f"{task.purpose} {task.step_id}.{task.attempt}")


def left(of: Plan, folder: Path, events: Sequence[on.Event], known: dict[str, Outcome]) -> Started:
    """A run that these events brought to where its runner died."""
    it = started(of, Remembering(known=known.get), folder)
    for event in events:
        it.executor.record(event)
    it.executor.commit()
    return it


def told(it: Started, since: int) -> list[on.Event]:
    it.executor.recollect()
    it.executor.commit()
    return it.journal[since:]


def test_one_that_ended_well_completes_with_its_outputs_and_its_time(tmp_path: Path) -> None:
    outcome = Succeeded({"size": "7"}, "", 2.5)
    it = left(plan(step("a")), tmp_path, [on.StepStarted("a", 1)], {"run a.1": outcome})
    assert told(it, 5) == [on.StepCompleted("a", 1, 2.5, {"size": "7"})]
    assert it.run.state == "completed"
    assert it.action.asked == []


def test_one_that_failed_has_failed_and_the_policy_answers(tmp_path: Path) -> None:
    failed = Failed("exit code 3", 3, "no table", 1.0)
    it = left(plan(step("a")), tmp_path, [on.StepStarted("a", 1)], {"run a.1": failed})
    assert told(it, 5) == [on.StepFailed("a", 1, "exit code 3", 1.0, 3, "no table")]
    assert it.run.state == "paused"


def test_one_with_attempts_left_is_to_be_retried(tmp_path: Path) -> None:
    of = plan(step("a", retry=Retry(attempts=2, delay_seconds=0.0)))
    it = left(of, tmp_path, [on.StepStarted("a", 1)], {"run a.1": Failed("no", 1)})
    [event] = told(it, 5)
    assert isinstance(event, on.StepFailed)
    assert event.retry_at > 0
    assert (it.run.state, it.run.record("a").state) == ("running", "pending")


def test_of_what_nobody_knows_nothing_is_said(tmp_path: Path) -> None:
    of = plan(step("a"), step("b"), parallel=2)
    begun = [on.StepStarted("a", 1), on.StepStarted("b", 1)]
    it = left(of, tmp_path, begun, {"run b.1": Succeeded(), "run a.2": Succeeded()})
    assert told(it, 6) == [on.StepCompleted("b", 1)]
    it.executor.record(on.RunnerLost())
    assert it.run.record("a").state == "interrupted"


@pytest.mark.parametrize(
    ("outcome", "state"),
    [(Succeeded(), "rolled_back"), (Failed("no", 1), "rollback_failed"), (None, "rolling_back")],
)
def test_a_compensation_is_known_as_well(
    tmp_path: Path, outcome: Outcome | None, state: str
) -> None:
    events = [
        on.StepStarted("a", 1),
        on.StepCompleted("a", 1),
        on.StepStarted("b", 1),
        on.StepFailed("b", 1, "no"),
        on.RollbackRequested(),
        on.UndoStarted("a", 1),
    ]
    known = {} if outcome is None else {"rollback a.1": outcome}
    it = left(plan(step("a"), step("b", "a")), tmp_path, events, known)
    it.executor.recollect()
    assert it.run.record("a").state == state


def test_a_compensation_with_attempts_left_is_to_be_retried(tmp_path: Path) -> None:
    again = Rollback(call=step("a").call, retry=Retry(attempts=2))
    events = [
        on.StepStarted("a", 1),
        on.StepCompleted("a", 1),
        on.StepStarted("b", 1),
        on.StepFailed("b", 1, "no"),
        on.RollbackRequested(),
        on.UndoStarted("a", 1),
    ]
    of = plan(step("a", rollback=again), step("b", "a"))
    it = left(of, tmp_path, events, {"rollback a.1": Failed("no", 1)})
    [event] = told(it, 10)
    assert isinstance(event, on.UndoFailed)
    assert event.retry_at > 0
    assert it.run.state == "rolling_back"


def test_one_that_a_person_ended_is_cancelled_unless_it_ended_well(tmp_path: Path) -> None:
    of = plan(step("a"), step("b"), parallel=2)
    begun = [on.StepStarted("a", 1), on.StepStarted("b", 1)]
    killed = Failed("killed by SIGTERM", -15)
    it = left(of, tmp_path, begun, {"run a.1": killed, "run b.1": Succeeded()})
    it.executor.recollect({"a", "b"}, "ended by ann")
    it.executor.commit()
    assert it.journal[6:] == [on.StepCancelled("a", 1, "ended by ann"), on.StepCompleted("b", 1)]


def test_an_outcome_is_told_when_it_is_durable_and_not_before(tmp_path: Path) -> None:
    at: list[int] = []
    it = started(plan(step("a"), step("b", "a")), Scripted(), tmp_path)

    def script(task: Task) -> Outcome:
        return Succeeded(on_recorded=lambda: at.append(len(it.journal)))

    it.action.script = script
    asyncio.run(it.executor.drive())
    kinds = [type(event).__name__ for event in it.journal]
    assert kinds[4:] == ["StepStarted", "StepCompleted", "StepStarted", "StepCompleted"]
    assert at == [7, 8]


def test_a_process_is_identified_in_the_journal_when_it_lasts(tmp_path: Path) -> None:
    it = started(plan(step("a"), step("b", "a")), Scripted(), tmp_path)

    def script(task: Task) -> asyncio.Future[None] | None:
        if task.step_id == "b":
            return None
        done = asyncio.get_running_loop().create_future()
        task.on_process(4711, 900, "a-boot")
        asyncio.get_running_loop().call_later(0.01, done.set_result, None)
        return done

    it.action.script = script
    asyncio.run(it.executor.drive())
    identified = [event for event in it.journal if isinstance(event, on.ProcessIdentified)]
    assert identified == [on.ProcessIdentified("a", 1, 4711, 900, "a-boot")]
    assert it.run.record("a").process == ""
