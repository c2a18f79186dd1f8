"""Workspaces of their own, and runs in them that were simulated."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fsm.app.workspace import Workspace
from fsm.engine.ports import FINAL_STATES, RunSummary
from fsm.plan.model import Call, Plan, Rollback, Step
from fsm.run import events as on
from fsm.run.endings import Ending, script
from fsm.run.simulate import Simulator

CALL = Call(skill="shell", action="run", params={"command": "true"})
PLAN = Plan(
    id="release",
    name="Größe ☃",
    steps=(
        Step(id="build", name="build", call=CALL, rollback=Rollback(call=CALL)),
        Step(id="deploy", name="deploy", call=CALL, depends_on=("build",)),
    ),
)

Populate = Callable[..., str]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path, f"sqlite:{tmp_path}/.fsm/state.db", environ={})


@pytest.fixture
def populate() -> Populate:
    """Store a run in a workspace, with a log; gives its id.

    It completes, unless `failing`: then it is paused, and rolled back if `undone`.
    """

    def store(
        workspace: Workspace,
        run_id: str = "run-1",
        *,
        failing: bool = False,
        undone: bool = False,
        error: str = "exit code 1",
        at: float = 1_790_000_000.25,
    ) -> str:
        deploy = Ending("failed", error=error) if failing else Ending(outputs={"url": "☃\x00"})
        sim = Simulator(PLAN, script({"deploy": deploy}), run_id=run_id)
        created = on.RunCreated(PLAN.digest, "ann@host", "/home/ann", "release.yaml")
        approved = on.RunApproved(PLAN.digest, "ann@host", "--yes", at)
        for event in (created, approved, on.RunValidated(PLAN.digest), on.RunStarted()):
            sim.request(event)
        sim.run_until_rest()
        if undone:
            sim.request(on.RollbackRequested("ann@host", "wrong"))
            sim.run_until_rest()
        summary = RunSummary(run_id, PLAN.id, PLAN.name, PLAN.digest, "running", at, at)
        journal = workspace.store.create(
            summary, PLAN.document, sim.journal[:4], alongside=sim.run.state not in FINAL_STATES
        )
        journal.append(sim.journal[4:], at=at + 0.1, state=sim.run.state)
        journal.close()
        folder = workspace.logs / run_id
        folder.mkdir(parents=True)
        (folder / "build.1.log").write_text("built\n")
        (folder / "deploy.1.outputs").write_text("url=x\n")
        return run_id

    return store
