"""A small world for engine tests: scripted actions, an in-memory store, a run that is ready to go."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import JsonValue

from fsm.engine.executor import Executor
from fsm.engine.ports import Failed, Inspection, Outcome, RunSummary, Succeeded, Task, World
from fsm.engine.site import Site
from fsm.plan.model import Call, Plan, Rollback, Step
from fsm.run import Run
from fsm.run import events as on
from fsm.stores import MemoryStore

Script = Callable[[Task], "Outcome | asyncio.Future[None] | None"]


@dataclass
class Scripted:
    """An action that does what the script says, and remembers what was asked of it.

    A future is waited for; the attempt then succeeds. `cancelled` names the steps that were cancelled.
    """

    script: Script = lambda _: None
    tasks: list[Task] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    inspection: Inspection = field(default_factory=dict)
    inspected: list[Mapping[str, JsonValue]] = field(default_factory=list)

    async def inspect(
        self,
        action: str,
        params: Mapping[str, JsonValue],
        cwd: Path,
        env: Mapping[str, str],
        secrets: Sequence[bytes],
    ) -> Inspection:
        self.inspected.append(params)
        return self.inspection

    async def perform(self, task: Task) -> Outcome:
        self.tasks.append(task)
        outcome = self.script(task)
        if isinstance(outcome, asyncio.Future):
            try:
                await outcome
            except asyncio.CancelledError:
                self.cancelled.append(task.step_id)
                raise
        return outcome if isinstance(outcome, Succeeded | Failed) else Succeeded()

    def recollect(self, task: Task) -> Outcome | None:
        """Nothing is remembered."""
        return None

    def recorded(self) -> None:
        """Nothing is kept."""

    def close(self) -> None:
        """Nothing is shared."""

    @property
    def asked(self) -> list[str]:
        """`PURPOSE STEP.ATTEMPT` of every task, in order."""
        return [f"{task.purpose} {task.step_id}.{task.attempt}" for task in self.tasks]


def step(step_id: str, *depends_on: str, **keys: object) -> Step:
    """A step of the scripted skill, with a rollback."""
    call = Call(skill="scripted", action="do")
    given = {"call": call, "rollback": Rollback(call=call), "depends_on": depends_on, **keys}
    return Step(id=step_id, name=step_id, **given)  # type: ignore[arg-type]


def plan(*steps: Step, **keys: object) -> Plan:
    return Plan(id="plan", name="plan", steps=steps, **keys)  # type: ignore[arg-type]


@dataclass
class Started:
    """A run that was approved, validated and started, and what drives it."""

    executor: Executor
    store: MemoryStore
    action: Scripted
    seen: list[on.Event]

    @property
    def run(self) -> Run:
        return self.executor.run

    @property
    def journal(self) -> list[on.Event]:
        return [record.event for record in self.store.load("run-1").records]


def started(
    of: Plan,
    action: Scripted,
    folder: Path,
    *,
    grace_seconds: float = 60.0,
    now: Callable[[], float] = time.time,
    chance: float = 0.5,
) -> Started:
    run, store, seen = Run(of, "run-1"), MemoryStore(), list[on.Event]()
    events = (
        on.RunCreated(of.digest),
        on.RunApproved(of.digest, "somebody", "test"),
        on.RunValidated(of.digest),
        on.RunStarted(),
    )
    for event in events:
        run.apply(event)
    summary = RunSummary("run-1", of.id, of.name, of.digest, run.state, 0.0, 0.0)
    journal = store.create(summary, of.document, events)
    site = Site("run-1", of, folder, folder / "logs", {"PATH": "/bin"})
    world = World(
        {"scripted": action},
        site,
        grace_seconds,
        now=now,
        chance=lambda: chance,
        observe=lambda event, _: seen.append(event),
    )
    return Started(Executor(run, journal, world), store, action, seen)
