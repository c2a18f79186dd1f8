"""The attempts of a run's steps, forward, back and to look: each ends in the fact of how it ended."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from fsm.engine.ports import Failed, Succeeded
from fsm.plan.duration import format_duration
from fsm.plan.template import TemplateError
from fsm.run import events as on

if TYPE_CHECKING:
    from fsm.engine.ports import Action, Outcome, Purpose, Task, World
    from fsm.plan.model import Call, Retry
    from fsm.run import Run, StepRecord

__all__ = ["Attempts", "cancellation", "within"]


class Attempts:
    """What is done for the steps of one run, through the actions of its world.

    `identified` is told of the process of an attempt that lasts: its record, its number, and what
    `Task.on_process` takes. `to_tell` are the outcomes' own calls for when they are durable: their events
    are among those that the next write takes.
    """

    def __init__(
        self, run: Run, world: World, identified: Callable[[StepRecord, int, int, int, str], None]
    ) -> None:
        self.to_tell: list[Callable[[], None]] = []
        self._run = run
        self._world = world
        self._identified = identified

    async def forward(self, record: StepRecord, attempt: int) -> on.Event:
        """Carry the step out once."""
        step, began = record.step, time.monotonic()
        outcome = await self.perform(record, "run", step.call, attempt, step.timeout_seconds)
        return self._went(record, attempt, outcome, round(time.monotonic() - began, 3))

    async def undo(self, record: StepRecord, attempt: int) -> on.Event:
        """Carry its compensation out once."""
        rollback, began = record.step.rollback, time.monotonic()
        assert rollback is not None
        outcome = await self.perform(
            record, "rollback", rollback.call, attempt, rollback.timeout_seconds
        )
        return self._undid(record, attempt, outcome, round(time.monotonic() - began, 3))

    async def probe(self, record: StepRecord) -> on.Event:
        """Ask the step's check whether its effect is there."""
        check = record.step.check
        assert check is not None
        outcome = await self.perform(
            record, "check", check, record.attempt, record.step.timeout_seconds
        )
        self._remember(outcome)
        if isinstance(outcome, Succeeded):
            return on.StepProbed(record.id, "done", outputs=outcome.outputs or None)
        if outcome.exit_code == 1:
            return on.StepProbed(record.id, "not_done")
        return on.StepProbed(record.id, "unknown", f"its check cannot tell: {outcome.error}")

    def recollect(self, record: StepRecord, cancelled_for: str = "") -> on.Event | None:
        """How the attempt that a dead runner left in flight ended, as far as its action knows.

        If it failed and was `cancelled_for` some reason, it was of that.
        """
        forward, rollback = record.state == "running", record.step.rollback
        call = record.step.call if forward or rollback is None else rollback.call
        attempt = record.attempt if forward else record.undo_attempt
        action = self._world.actions.get(call.skill)
        try:
            task = self._task(record, "run" if forward else "rollback", call, attempt)
        except TemplateError:
            return None
        outcome = action.recollect(task) if action is not None else None
        if outcome is None:
            return None
        if isinstance(outcome, Failed) and cancelled_for:
            return cancellation(record, cancelled_for)
        ended = self._went if forward else self._undid
        return ended(record, attempt, outcome, outcome.seconds or 0.0)

    async def perform(
        self, record: StepRecord, purpose: Purpose, call: Call, attempt: int, timeout: float | None
    ) -> Outcome:
        """Have the call performed once, for `timeout` seconds at most."""
        try:
            task = self._task(record, purpose, call, attempt)
        except TemplateError as unrendered:
            return Failed(str(unrendered))
        action = self._world.actions.get(call.skill)
        if action is None:
            return Failed(f"no skill is called `{call.skill}`")
        return await within(timeout, action, task, self._world.tail)

    def longest_wait(self, record: StepRecord) -> float:
        """How long, in seconds, the step may have to wait at most before it, or its compensation, is tried
        again."""
        rollback = record.step.rollback
        if record.state == "rollback_failed" and rollback is not None:
            return rollback.retry.delay_after(max(1, record.undo_tries), 1.0)
        return record.step.retry.delay_after(max(1, record.tries), 1.0)

    def _task(self, record: StepRecord, purpose: Purpose, call: Call, attempt: int) -> Task:
        """The task of the attempt. Raises `TemplateError`."""

        def identified(pid: int, start: int, boot: str) -> None:
            self._identified(record, attempt, pid, start, boot)

        names = self._run.names
        return self._world.site.task(record.step, purpose, call, attempt, names, identified)

    def _went(self, record: StepRecord, attempt: int, outcome: Outcome, seconds: float) -> on.Event:
        step = record.step
        self._remember(outcome)
        if isinstance(outcome, Succeeded):
            return on.StepCompleted(step.id, attempt, seconds, outcome.outputs or None)
        retry_at = self._retry_at(step.retry, record.tries)
        return on.StepFailed(
            step.id, attempt, outcome.error, seconds, outcome.exit_code, outcome.tail, retry_at
        )

    def _undid(
        self, record: StepRecord, attempt: int, outcome: Outcome, seconds: float
    ) -> on.Event:
        rollback = record.step.rollback
        assert rollback is not None
        self._remember(outcome)
        if isinstance(outcome, Succeeded):
            return on.UndoCompleted(record.id, attempt, seconds)
        retry_at = self._retry_at(rollback.retry, record.undo_tries)
        return on.UndoFailed(
            record.id, attempt, outcome.error, seconds, outcome.exit_code, outcome.tail, retry_at
        )

    def _remember(self, outcome: Outcome) -> None:
        if outcome.on_recorded is not None:
            self.to_tell.append(outcome.on_recorded)

    def _retry_at(self, retry: Retry, tries: int) -> float:
        if tries >= retry.attempts:
            return 0.0
        return round(self._world.now() + retry.delay_after(tries, self._world.chance()), 3)


async def within(
    seconds: float | None, action: Action, task: Task, tail: Callable[[str], str] = lambda _: ""
) -> Outcome:
    """What comes of the task; a failure if it takes longer. `tail` gives the last lines of a log for that."""
    try:
        if seconds is None:
            return await action.perform(task)
        async with asyncio.timeout(seconds) as limit:
            return await action.perform(task)
    except TimeoutError:
        if seconds is None or not limit.expired():
            raise
        return Failed(f"timed out after {format_duration(seconds)}", tail=tail(task.log))


def cancellation(record: StepRecord, reason: str) -> on.Event:
    """The fact that what is in flight for the step was cancelled."""
    match record.state:
        case "running":
            return on.StepCancelled(record.id, record.attempt, reason)
        case "rolling_back":
            return on.UndoCancelled(record.id, record.undo_attempt, reason)
        case _:
            return on.StepProbed(record.id, "unknown", f"its check was cancelled: {reason}")
