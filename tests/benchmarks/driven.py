"""The same work done by fsm: a plan is loaded, checked, approved and driven by the engine, on SQLite.

Run as `python driven.py PLAN FOLDER [--count]`, in a process of its own. It tells apart what imports cost
(`imports_cpu`, the whole process up to then), what loading and checking the plan costs (`load_…`), and the
run itself, from the first write to the closed journal (`cpu`, `wall`).

With `--count` it counts durable writes and forks by itself, its shim's among them, for machines where
`strace` cannot.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
import time
from collections.abc import Sequence
from mmap import mmap
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


class Counts:
    """Counts the forks of this process and of the shim that it forks off, and its durable writes.

    What is counted lies in memory that both share, and the shim inherits the hook.
    """

    def __init__(self) -> None:
        from fsm.actions.processes.standby import stand_by

        self.writes = 0
        self._forks = mmap(-1, 8)
        fsync = os.fsync

        def counted(fd: int) -> None:
            self.writes += 1
            fsync(fd)

        os.fsync = os.fdatasync = counted
        sys.addaudithook(self._hear)
        stand_by()

    @property
    def forks(self) -> int:
        return int.from_bytes(self._forks[:], "little")

    def _hear(self, event: str, _: tuple[object, ...]) -> None:
        if event in {"os.fork", "os.posix_spawn", "subprocess.Popen"}:
            self._forks[:] = (self.forks + 1).to_bytes(8, "little")


class Counted:
    """A journal that counts its durable writes: of SQLite's own no call of Python tells."""

    def __init__(self, journal: Journal, counts: Counts) -> None:
        self.run_id, self.epoch = journal.run_id, journal.epoch
        self._journal = journal
        self._counts = counts
        self.seq, self.hash = journal.seq, journal.hash

    def append(self, events: Sequence[on.Event], *, at: float, state: str) -> None:
        self._journal.append(events, at=at, state=state)
        self._counts.writes += 1

    def keep(self, checkpoint: bytes) -> None:
        self._journal.keep(checkpoint)
        self._counts.writes += 1

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
    counts = Counts() if count else None
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

    meter = Meter()
    run, journal = begin(plan, folder, findings.checks)
    try:
        written = Counted(journal, counts) if counts else journal
        asyncio.run(Executor(run, written, World(actions, site)).drive())
    finally:
        journal.close()
        for action in actions.values():
            action.close()
    figures |= meter.read()
    figures["cpu"] += spent

    if counts is not None:
        figures |= {"durable writes": counts.writes, "forks": counts.forks}
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


def _peak_megabytes() -> float:
    """The most memory this process ever held. (`ru_maxrss` would inherit the parent's.)"""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) / 1024


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), count="--count" in sys.argv)
