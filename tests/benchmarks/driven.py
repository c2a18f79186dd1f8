"""The same work done by fsm: a plan is loaded, checked, approved and driven by the engine, on SQLite.

Run as `python driven.py PLAN FOLDER [--count]`, in a process of its own. It tells apart what imports cost
(`imports_cpu`, the whole process up to then), what loading and checking the plan costs (`load_…`), and the
run itself, from the first write to the closed journal (`cpu`, `wall`).

With `--count` it counts durable writes and forks by itself, for machines where `strace` cannot.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from meter import Meter, say

from fsm.engine.executor import Executor
from fsm.engine.ports import (
    Action,
    Failed,
    Inspection,
    Journal,
    Outcome,
    RunSummary,
    Succeeded,
    Task,
    World,
)
from fsm.engine.preflight import preflight
from fsm.engine.site import Site
from fsm.plan import load_plan
from fsm.plan.model import Plan
from fsm.run import Run
from fsm.run import events as on
from fsm.stores import SqliteStore


class NoOp:
    """The skill `noop`: its actions do nothing, in this process; the action `fail` fails."""

    def __init__(self) -> None:
        self.performed = 0

    async def inspect(self, *_: object) -> Inspection:
        return {}

    async def perform(self, task: Task) -> Outcome:
        self.performed += 1
        return Failed("was asked to") if task.action == "fail" else Succeeded()

    def recollect(self, task: Task) -> Outcome | None:
        """Nothing is remembered."""
        return None

    def recorded(self) -> None:
        """Nothing is kept."""

    def close(self) -> None:
        """Nothing is shared."""


class Counted:
    """A journal that counts its durable writes."""

    def __init__(self, journal: Journal) -> None:
        self.run_id, self.epoch, self.appends = journal.run_id, journal.epoch, 1  # it was created
        self._journal = journal
        self.seq, self.hash = journal.seq, journal.hash

    def append(self, events: Sequence[on.Event], *, at: float, state: str) -> None:
        self._journal.append(events, at=at, state=state)
        self.appends += 1

    def keep(self, checkpoint: bytes) -> None:
        self._journal.keep(checkpoint)
        self.appends += 1

    def forget_checkpoints(self) -> None:
        self._journal.forget_checkpoints()

    def close(self) -> None:
        self._journal.close()


def skills(noop: NoOp, *, shell: bool) -> dict[str, Action]:
    """The actions by skill. The shell is imported only if the plan needs it."""
    if not shell:
        return {"noop": noop}
    from fsm.actions.shell import ShellAction

    return {"noop": noop, "shell": ShellAction()}


def begin(plan: Plan, folder: Path, checks: int) -> tuple[Run, Journal]:
    """A new run, approved, validated and started, as `fsm.app.session.begin` makes it."""
    run, now = Run(plan, "bench"), time.time()
    events: list[on.Event] = [
        on.RunCreated(plan.digest, by="benchmark", cwd=str(folder)),
        on.RunApproved(plan.digest, "benchmark", "yes", now),
        on.RunValidated(plan.digest, checks),
        on.RunStarted(),
    ]
    for event in events:
        run.apply(event)
    summary = RunSummary("bench", plan.id, plan.name, plan.digest, run.state, now, now)
    store = SqliteStore(folder / "state" / "state.db")
    return run, store.create(summary, plan.document, events)


def main(path: Path, folder: Path, *, count: bool, spent: float = 0) -> None:
    """Measure, and say the figures; `spent`: seconds of CPU that the run itself had cost before."""
    text = path.read_text()
    actions = skills(noop := NoOp(), shell="run:" in text)
    forks = _count_forks() if count else [0]
    figures = {"imports_cpu": time.process_time()}

    meter = Meter()
    plan = load_plan(path)
    assert plan.digest
    figures |= meter.read("load_")
    meter = Meter()
    site = Site("bench", plan, folder, folder / "logs" / "bench", dict(os.environ))
    findings = asyncio.run(preflight(site, actions))
    assert not findings.problems, findings.problems
    figures |= meter.read("check_")

    forks[0] = 0
    meter = Meter()
    run, journal = begin(plan, folder, findings.checks)
    counted = Counted(journal) if count else None
    try:
        asyncio.run(Executor(run, counted or journal, World(actions, site)).drive())
    finally:
        journal.close()
        for action in actions.values():
            action.close()
    figures |= meter.read()
    figures["cpu"] += spent

    if counted is not None:
        figures |= {"durable writes": counted.appends, "forks": forks[0]}
    states = [record.state for record in run.steps]
    say(
        {
            **figures,
            "steps": sum(state in {"completed", "rolled_back"} for state in states),
            "undone": states.count("rolled_back"),
            "performed": noop.performed,
            "peak_mb": _peak_megabytes(),
        }
    )


def _count_forks() -> list[int]:
    seen = [0]

    def hook(event: str, _: tuple[object, ...]) -> None:
        if event in {"os.fork", "os.posix_spawn", "subprocess.Popen"}:
            seen[0] += 1

    sys.addaudithook(hook)
    return seen


def _peak_megabytes() -> float:
    """The most memory this process ever held. (`ru_maxrss` would inherit the parent's.)"""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) / 1024


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), count="--count" in sys.argv)
