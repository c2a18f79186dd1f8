"""A run carried out by the executor: scripted and in virtual time, or really, in a folder of its own."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fsm.app.session import Session, begin, check, take_up
from fsm.app.workspace import Workspace
from fsm.engine.ports import Action, Approval, Failed, Inspection, Outcome, Succeeded, Task
from fsm.engine.preflight import Findings
from fsm.engine.recovery import open_run
from fsm.errors import Invalid
from fsm.run import Run
from fsm.run import events as on
from fsm.run.endings import Purpose
from fsm.run.simulate import CHANCE
from fsm.spec.endings import TimedOut
from fsm.spec.stages import GRACE_SECONDS, STOPPED, Tape
from fsm.spec.virtual_time import VirtualLoop

if TYPE_CHECKING:
    from pydantic import JsonValue

    from fsm.plan.model import Plan

__all__ = ["Performance"]


class Performance:
    """A run that the executor drives, its journal in memory.

    Without a `folder` every action is scripted and time is virtual. With one, what the specification says
    nothing of really happens there, in its own time; what is scripted takes none.
    """

    def __init__(self, plan: Plan, tape: Tape, folder: Path | None = None) -> None:
        self._plan = plan
        self._tape = tape
        self._is_real = folder is not None
        self._run = Run(plan)
        self._loop: asyncio.AbstractEventLoop = (
            asyncio.new_event_loop() if self._is_real else VirtualLoop()
        )
        self._session: Session | None = None
        self._workspace = Workspace(
            cwd=folder or Path("/"),
            state_url="memory:",
            environ=dict(os.environ) if self._is_real else {},
            grace_seconds=GRACE_SECONDS,
            more_actions=self._actions(folder),
            now=time.time if self._is_real else self._loop.time,
            chance=lambda: CHANCE,
        )

    @property
    def run(self) -> Run:
        """See `Stage`."""
        return self._run

    def begin(self, digest: str, by: str) -> None:
        """See `Stage`; a real run is validated first, and that may raise `Invalid`."""
        findings = check(self._workspace, self._plan) if self._is_real else Findings(0, ())
        if findings.problems:
            raise Invalid(findings.problems, "nothing was started")
        with begin(
            self._workspace,
            self._plan,
            path="",
            approval=Approval(digest, by, self._workspace.now(), "fsm approve"),
            recorded=False,
            findings=findings,
            alongside=False,
            observe=self._observe,
        ) as session:
            self._drive(session)
        self._recover()

    def ask(self, event: on.Event | None) -> None:
        """See `Stage`."""
        with take_up(self._workspace, self._run.run_id, self._observe) as session:
            if self._is_real:
                session.require_environment()
            if event is not None:
                session.request(event)
            self._drive(session)
        self._recover()

    def close(self) -> None:
        """See `Stage`."""
        for action in self._workspace.actions_of(self._plan).values():
            action.close()
        self._loop.close()

    def _drive(self, session: Session) -> None:
        self._session, self._run = session, session.run
        try:
            self._loop.run_until_complete(session.executor.drive())
        except _RunnerDied:
            self._tape.died = True

    def _recover(self) -> None:
        """Tell at once what the next runner will make of a dead one's journal, as a rehearsal does."""
        if not self._tape.died:
            return
        self._run = open_run(self._workspace.store, self._run.run_id).run
        if self._run.needs_recovery:
            lost = on.RunnerLost()
            self._run.apply(lost)
            self._tape.observe(self._run, lost)

    def _observe(self, run: Run, event: on.Event, at: float) -> None:
        del at
        is_told = self._tape.events and isinstance(self._tape.events[-1], on.RunnerLost)
        if is_told and isinstance(event, on.RunnerLost):
            return
        self._tape.observe(run, event)

    def _actions(self, folder: Path | None) -> Mapping[str, Action]:
        real: Mapping[str, Action] = {}
        if folder is not None:
            real = Workspace(cwd=folder, state_url="memory:").actions_of(self._plan)
        skills = {
            call.skill
            for step in self._plan.steps
            for call in (
                step.call,
                step.check,
                step.dry_run,
                step.rollback.call if step.rollback else None,
            )
            if call is not None
        }
        return {skill: _Scripted(self, real.get(skill)) for skill in skills}

    def stop(self) -> None:
        """Somebody presses ^C."""
        if self._session is not None:
            self._session.executor.stop(STOPPED)

    async def ended(self, task: Task, purpose: Purpose) -> Outcome:
        """How a scripted attempt ends, once its time is over."""
        ending = self._tape.endings(task.step_id, task.attempt, purpose)
        timed_out = isinstance(ending, TimedOut)  # the executor ends it, not this
        if not self._is_real:
            await asyncio.sleep(ending.seconds + (1.0 if timed_out else 0.0))
        if ending.how == "crashed":
            raise _RunnerDied
        if ending.how == "succeeded":
            return Succeeded(ending.outputs or {})
        return Failed(ending.error, ending.exit_code)

    def is_scripted(self, step: str, purpose: Purpose) -> bool:
        """Whether the specification says how it ends; in virtual time nothing else happens."""
        return not self._is_real or self._tape.speaks_of(step, purpose)

    def launched(self, step: str, purpose: Purpose, attempt: int) -> None:
        """Something was launched: somebody may stop the run at that."""
        if self._tape.is_stopped_at(step, purpose, attempt):
            self.stop()


class _RunnerDied(BaseException):
    """The process that drives the run dies here: no `except Exception` may save it."""


class _Scripted(Action):
    """The actions of one skill: those that the specification speaks of as it says, the others really."""

    def __init__(self, stage: Performance, real: Action | None) -> None:
        self._stage = stage
        self._real = real

    async def inspect(
        self,
        action: str,
        params: Mapping[str, JsonValue],
        cwd: Path,
        env: Mapping[str, str],
        secrets: Sequence[bytes],
    ) -> Inspection:
        """What the real action says."""
        return await self._real.inspect(action, params, cwd, env, secrets) if self._real else {}

    async def perform(self, task: Task) -> Outcome:
        """See `Action`."""
        if task.purpose != "dry_run":
            self._stage.launched(task.step_id, task.purpose, task.attempt)
            if self._stage.is_scripted(task.step_id, task.purpose):
                return await self._stage.ended(task, task.purpose)
        if self._real is None:
            return Failed("no such skill is here")
        return await self._real.perform(task)

    def recollect(self, task: Task) -> Outcome | None:
        """What the real action knows."""
        return self._real.recollect(task) if self._real else None

    def recorded(self) -> None:
        """See `Action`."""
        if self._real:
            self._real.recorded()

    def close(self) -> None:
        """See `Action`."""
        if self._real:
            self._real.close()
