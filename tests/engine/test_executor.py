from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextvars import ContextVar
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from fsm.engine.ports import Failed, Outcome, Succeeded, Task
from fsm.errors import FsmError, StateUnavailable
from fsm.plan.model import Call, ErrorHandling, Retry, Rollback
from fsm.run import events as on

from .world import Scripted, Started, plan, started, step


def failing(*steps: str) -> Scripted:
    def script(task: Task) -> Outcome:
        return Failed("no", 1) if task.step_id in steps and task.purpose == "run" else Succeeded()

    return Scripted(script)


def test_steps_run_in_order_and_each_is_observed_once_it_is_durable(tmp_path: Path) -> None:
    it = started(plan(step("a"), step("b"), step("c")), Scripted(), tmp_path)
    asyncio.run(it.executor.drive())
    assert it.run.state == "completed"
    assert it.action.asked == ["run a.1", "run b.1", "run c.1"]
    assert it.seen == it.journal[4:]


def test_one_append_takes_an_outcome_and_the_next_intent(tmp_path: Path) -> None:
    it = started(plan(step("a"), step("b"), step("c")), Scripted(), tmp_path)
    appends: list[Sequence[on.Event]] = []
    journal = it.executor._journal
    append = journal.append

    class Counting:
        run_id, epoch, seq, hash = journal.run_id, journal.epoch, 0, ""

        def append(self, events: Sequence[on.Event], *, at: float, state: str) -> None:
            appends.append(tuple(events))
            append(events, at=at, state=state)

        def keep(self, checkpoint: bytes) -> None: ...

        def forget_checkpoints(self) -> None: ...

        def close(self) -> None: ...

    it.executor._journal = Counting()
    asyncio.run(it.executor.drive())
    assert [len(events) for events in appends] == [1, 2, 2, 1]


def test_nothing_is_launched_whose_intent_was_not_written(tmp_path: Path) -> None:
    it = started(plan(step("a"), step("b")), Scripted(), tmp_path)

    def launched_before_written(task: Task) -> Outcome:
        assert on.StepStarted(task.step_id, task.attempt) in it.journal
        return Succeeded()

    it.action.script = launched_before_written
    asyncio.run(it.executor.drive())
    assert it.run.state == "completed"


def test_a_store_that_cannot_write_ends_what_is_in_flight(tmp_path: Path) -> None:
    it = started(plan(step("a"), step("b"), parallel=2), Scripted(), tmp_path)
    journal = it.executor._journal
    append, writes = journal.append, 0

    class Full:
        run_id, epoch = journal.run_id, journal.epoch

        def append(self, events: Sequence[on.Event], *, at: float, state: str) -> None:
            nonlocal writes
            writes += 1
            if writes > 1:
                raise StateUnavailable("the disk is full", "free space")
            append(events, at=at, state=state)

        def close(self) -> None: ...

    it.executor._journal = Full()

    async def drive() -> None:
        never = asyncio.get_running_loop().create_future()
        it.action.script = lambda task: never if task.step_id == "b" else None
        await it.executor.drive()

    with pytest.raises(StateUnavailable, match="the disk is full"):
        asyncio.run(drive())
    assert it.action.cancelled == ["b"]
    assert on.StepCompleted("a", 1) not in it.journal


def test_retries_wait_and_are_numbered(tmp_path: Path) -> None:
    retry = Retry(attempts=3, delay_seconds=0.01, factor=2)
    it = started(plan(step("a", retry=retry)), failing("a"), tmp_path)
    asyncio.run(it.executor.drive())
    assert it.run.state == "paused"
    assert it.action.asked == ["run a.1", "run a.2", "run a.3"]
    failures = [event for event in it.journal if isinstance(event, on.StepFailed)]
    assert [bool(event.retry_at) for event in failures] == [True, True, False]


@pytest.mark.parametrize(("chance", "wait"), [(0.0, 50.0), (0.5, 100.0), (0.75, 125.0)])
def test_retries_are_spread_by_chance_of_steps_and_compensations_alike(
    tmp_path: Path, chance: float, wait: float
) -> None:
    retry = Retry(attempts=2, delay_seconds=100.0, jitter=0.5)
    rollback = Rollback(call=Call(skill="scripted", action="undo"), retry=retry)
    a, b = step("a", retry=retry), step("b", rollback=rollback, on_failure="continue")
    it = started(plan(a, b), Scripted(), tmp_path, now=lambda: 1000.0, chance=chance)
    it.action.script = lambda _: Failed("no", 1)
    attempts = it.executor.attempts

    def ended(begun: on.Event, work: Callable[..., Coroutine[None, None, on.Event]]) -> on.Event:
        it.executor.record(begun)
        event = asyncio.run(work(it.run.record(begun.step), 1))  # type: ignore[attr-defined]
        it.executor.record(event)
        return event

    failed = ended(on.StepStarted("a", 1), attempts.forward)
    assert isinstance(failed, on.StepFailed)
    assert failed.retry_at == 1000.0 + wait
    it.executor.record(on.StepStarted("b", 1))
    it.executor.record(on.StepCompleted("b", 1))
    it.executor.record(on.RunPaused())
    it.executor.record(on.RollbackRequested())
    undo_failed = ended(on.UndoStarted("b", 1), attempts.undo)
    assert isinstance(undo_failed, on.UndoFailed)
    assert undo_failed.retry_at == 1000.0 + wait


def test_multiple_failures_cancel_what_is_in_flight_and_roll_back(tmp_path: Path) -> None:
    it = started(
        plan(step("a"), step("b", "a"), step("c", "a"), step("d", "a"), parallel=3),
        Scripted(),
        tmp_path,
    )

    async def drive() -> None:
        never = asyncio.get_running_loop().create_future()

        def script(task: Task) -> Outcome | asyncio.Future[None]:
            if task.step_id == "d":
                return never
            return Failed("no", 1) if task.step_id in "bc" else Succeeded()

        it.action.script = script
        await it.executor.drive()

    asyncio.run(drive())
    assert it.run.state == "rolled_back"
    assert it.action.cancelled == ["d"]
    assert it.action.asked[-1] == "rollback a.1"


def test_a_cancelled_step_that_was_not_launched_yet_is_recorded_as_cancelled(
    tmp_path: Path,
) -> None:
    """Its sibling's condition cannot be decided, so the plan aborts in the very turn that starts it."""
    broken = step("b", condition="steps.a.outputs.missing == 'x'")
    policy = ErrorHandling(single_failure="abort")
    it = started(plan(step("a"), broken, parallel=2, error_handling=policy), Scripted(), tmp_path)
    asyncio.run(it.executor.drive())
    assert it.run.state == "failed"
    assert it.action.asked == []
    assert it.run.record("a").state == "failed"
    assert it.run.record("a").error == "the run is aborting"


@pytest.mark.parametrize(("stops", "cancelled"), [(1, []), (2, ["a"])])
def test_a_stop_lets_steps_end_and_a_second_stop_ends_them(
    tmp_path: Path, stops: int, cancelled: list[str]
) -> None:
    it = started(plan(step("a"), step("b", "a")), Scripted(), tmp_path, grace_seconds=3600.0)

    async def drive() -> None:
        loop = asyncio.get_running_loop()
        done = loop.create_future()

        def script(task: Task) -> asyncio.Future[None]:
            for _ in range(stops):
                loop.call_soon(it.executor.stop, "stopped by a test")
            if stops == 1:
                loop.call_later(0.02, done.set_result, None)
            return done

        it.action.script = script
        await asyncio.wait_for(it.executor.drive(), 60.0)  # long before the grace period is over

    asyncio.run(drive())
    assert it.run.state == "paused"
    assert it.action.asked == ["run a.1"]
    assert it.action.cancelled == cancelled
    assert it.run.record("a").state == ("failed" if cancelled else "completed")


def test_a_stop_is_heard_although_every_step_ends_without_waiting(tmp_path: Path) -> None:
    names = [f"s{n}" for n in range(2000)]

    def stop_soon(task: Task) -> None:
        if task.step_id == "s0":
            asyncio.get_running_loop().call_soon(it.executor.stop, "stopped by SIGTERM")

    it = started(plan(*map(step, names)), Scripted(stop_soon), tmp_path)
    asyncio.run(it.executor.drive())
    assert it.run.state == "paused"
    assert 0 < len(it.action.tasks) < len(names)


def test_a_step_that_outlasts_the_grace_period_is_cancelled(tmp_path: Path) -> None:
    it = started(plan(step("a")), Scripted(), tmp_path, grace_seconds=0.02)

    async def drive() -> None:
        loop = asyncio.get_running_loop()
        never = loop.create_future()

        def script(_: Task) -> asyncio.Future[None]:
            loop.call_soon(it.executor.stop, "stopped by a test")
            return never

        it.action.script = script
        await it.executor.drive()

    asyncio.run(drive())
    assert it.run.state == "paused"
    assert it.journal[-1] == on.StepCancelled("a", 1, "stopped by a test")


def test_a_timeout_cancels_the_attempt_and_is_a_failure(tmp_path: Path) -> None:
    it = started(plan(step("a", timeout_seconds=0.02)), Scripted(), tmp_path)

    async def drive() -> None:
        never = asyncio.get_running_loop().create_future()
        it.action.script = lambda _: never
        await it.executor.drive()

    asyncio.run(drive())
    assert it.action.cancelled == ["a"]
    assert it.run.record("a").error == "timed out after 20ms"


@pytest.mark.parametrize("parallel", [1, 2])
def test_no_step_finds_the_context_variables_of_another(tmp_path: Path, parallel: int) -> None:
    variable = ContextVar("variable", default="the caller's")
    found: list[str] = []

    def script(task: Task) -> Outcome:
        found.append(variable.get())
        variable.set(f"set by {task.step_id}")
        return Succeeded()

    of = plan(step("a"), step("b"), step("c", "b"), step("d", "c"), parallel=parallel)
    it = started(of, Scripted(script), tmp_path)
    asyncio.run(it.executor.drive())
    assert found == ["the caller's"] * 4


def test_a_template_that_cannot_be_rendered_fails_the_step_without_calling_the_action(
    tmp_path: Path,
) -> None:
    call = Call(
        skill="scripted", action="do", params={"x": {"$template": "{{ steps.a.outputs.no }}"}}
    )
    it = started(plan(step("a"), step("b", "a", call=call)), Scripted(), tmp_path)
    asyncio.run(it.executor.drive())
    assert it.action.asked == ["run a.1"]
    assert "no" in it.run.record("b").error


def test_a_defect_of_an_action_is_raised_and_leaves_the_step_unknown(tmp_path: Path) -> None:
    it = started(plan(step("a")), Scripted(), tmp_path)

    def broken(_: Task) -> Outcome:
        raise ZeroDivisionError("a defect")

    it.action.script = broken
    with pytest.raises(ZeroDivisionError):
        asyncio.run(it.executor.drive())
    assert it.journal[-1] == on.StepStarted("a", 1)


def test_an_unknown_skill_is_a_failure_that_names_it(tmp_path: Path) -> None:
    it = started(plan(step("a", call=Call(skill="magic", action="do"))), Scripted(), tmp_path)
    asyncio.run(it.executor.drive())
    assert it.run.record("a").error == "no skill is called `magic`"


def test_a_run_that_waits_for_nothing_is_a_defect_and_not_a_hang(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    it = started(plan(step("a")), Scripted(), tmp_path)
    monkeypatch.setattr(type(it.run), "commands", lambda self, now: [])
    with pytest.raises(FsmError, match="nothing is left to wait for"):
        asyncio.run(it.executor.drive())


def test_outputs_reach_later_steps_and_the_rollback_of_their_own(tmp_path: Path) -> None:
    told = Call(
        skill="scripted", action="do", params={"x": {"$template": "{{ steps.a.outputs.n }}"}}
    )
    a = step("a", rollback=Rollback(call=told))
    it = started(plan(a, step("b", "a", call=told, rollback=None)), Scripted(), tmp_path)
    it.action.script = lambda task: (
        Succeeded({"n": "7"}) if task.step_id == "a" else Failed("no", 1)
    )
    asyncio.run(it.executor.drive())
    it.action.script = lambda _: None
    it.executor.record(on.RollbackRequested())
    asyncio.run(it.executor.drive())
    assert [dict(task.params) for task in it.action.tasks] == [{}, {"x": "7"}, {"x": "7"}]


@pytest.mark.parametrize("parallel", [1, 2])
@pytest.mark.parametrize("kind", [on.StepStarted, on.StepCompleted])
def test_a_run_that_is_stopped_twice_by_an_observer_rests_and_launches_nothing_more(
    tmp_path: Path, kind: type[on.Event], parallel: int
) -> None:
    steps = [step(name) for name in ("a", "b", "c")]
    it = started(plan(*steps, parallel=parallel), Scripted(), tmp_path)
    launched: list[int] = []

    def observe(event: on.Event, _: float) -> None:
        if isinstance(event, kind) and not launched:
            launched.append(len(it.action.asked))
            it.executor.stop("stopped")
            it.executor.stop("stopped")

    it.executor._world = replace(it.executor._world, observe=observe)
    asyncio.run(asyncio.wait_for(it.executor.drive(), 20))
    assert it.run.state == "paused"
    assert not it.run.in_flight
    assert len(it.action.asked) == launched[0]
    assert ended_as_told(it)


def ended_as_told(it: Started) -> bool:
    """Whether the journal completes the steps that were done, and cancels all others that it begins."""

    def steps(kind: type[on.StepEvent]) -> set[str]:
        return {event.step for event in it.journal if isinstance(event, kind)}

    done = {task.step_id for task in it.action.tasks}
    return (
        steps(on.StepCompleted) == done and steps(on.StepCancelled) == steps(on.StepStarted) - done
    )


@pytest.mark.parametrize("rounds", range(6))
def test_a_step_that_is_ended_before_its_task_began_is_cancelled(
    tmp_path: Path, rounds: int
) -> None:
    """One stop comes from an observer, so that the next turn is before the task; one soon after."""
    it = started(plan(step("a"), step("b"), parallel=2), Scripted(), tmp_path)

    def observe(event: on.Event, _: float) -> None:
        if isinstance(event, on.StepStarted) and not it.executor._stop_level:
            it.executor.stop("stopped")

    async def stop_again() -> None:
        for _ in range(rounds):
            await asyncio.sleep(0)
        it.executor.stop("stopped")

    async def drive() -> None:
        await asyncio.gather(it.executor.drive(), stop_again())

    it.executor._world = replace(it.executor._world, observe=observe)
    asyncio.run(asyncio.wait_for(drive(), 20))
    assert not it.run.in_flight
    assert ended_as_told(it)


@pytest.mark.parametrize("purpose", ["run", "rollback"])
def test_when_the_clock_is_set_back_a_retry_waits_no_longer_than_its_own_step_says(
    tmp_path: Path, purpose: str
) -> None:
    """What another step of the plan may wait is of no concern, and it is not even looked at."""
    retry, call = Retry(attempts=2, delay_seconds=0.01), Call(skill="scripted", action="do")
    other = Retry(attempts=2, delay_seconds=3600, max_delay_seconds=3600)
    a = step("a", retry=retry, rollback=Rollback(call=call, retry=retry))
    failed: list[Task] = []

    def fail_once(task: Task) -> Outcome | None:
        if (task.step_id, task.purpose) == ("a", purpose) and not failed:
            failed.append(task)
            return Failed("no", 1)
        return None

    it = started(plan(a, step("b", retry=other)), Scripted(fail_once), tmp_path)
    clock = count(10**9, -1800)  # each time somebody looks it has been set back
    it.executor._world = replace(it.executor._world, now=lambda: float(next(clock)))
    it.executor.attempts._world = it.executor._world
    asyncio.run(asyncio.wait_for(it.executor.drive(), 20))
    assert it.run.state == "completed"
    it.executor.record(on.RollbackRequested())
    asyncio.run(asyncio.wait_for(it.executor.drive(), 20))
    assert it.run.state == "rolled_back"
    assert len(failed) == 1
