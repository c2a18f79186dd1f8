"""What `fsm status` makes of who holds a run, while that changes."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from fsm.app.workspace import Workspace
from fsm.cli.looking import status
from fsm.engine import recovery
from fsm.engine.ports import Journal, RunSummary, Store
from fsm.run import events as on

from .conftest import PLAN


@pytest.fixture
def journal(workspace: Workspace) -> Journal:
    """Of a run that goes on, and is held by this process."""
    summary = RunSummary("run-1", PLAN.id, PLAN.name, PLAN.digest, "running", 1.0, 1.0)
    begun = (
        on.RunCreated(PLAN.digest, "ann@host", "/", "release.yaml"),
        on.RunApproved(PLAN.digest, "ann@host", "--yes", 1.0),
        on.RunValidated(PLAN.digest),
        on.RunStarted(),
    )
    return workspace.store.create(summary, PLAN.document, begun)


def told(folder: Path) -> str:
    done = CliRunner().invoke(status, ["--state", f"sqlite:{folder}/.fsm/state.db"])
    assert done.exit_code == 0, done.output
    return done.output


def test_a_run_that_nobody_holds_any_more_has_lost_its_process(
    journal: Journal, tmp_path: Path
) -> None:
    journal.close()
    assert "its process died" in told(tmp_path)


def test_a_run_that_is_let_go_just_after_it_was_read_has_not(
    journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = recovery.open_run

    def read_and_let_go(store: Store, run_id: str) -> recovery.Taken:
        taken = really(store, run_id)
        journal.close()
        return taken

    monkeypatch.setattr(recovery, "open_run", read_and_let_go)
    assert "its process died" not in told(tmp_path)
