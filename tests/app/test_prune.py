"""Forgetting a run: what goes, what stays, and what a crash in the middle leaves."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import fsm
from fsm.app.prune import damage_of, forget, forget_damaged
from fsm.app.workspace import Workspace
from fsm.engine.ports import RunSummary
from fsm.errors import Damaged, Held, Refused, StateUnavailable


def found(workspace: Workspace, run_id: str = "run-1") -> RunSummary:
    return next(run for run in workspace.store.runs() if run.run_id == run_id)


def test_a_run_goes_with_its_folder_and_nothing_else_does(
    workspace: Workspace, populate: Any
) -> None:
    populate(workspace, "run-1")
    populate(workspace, "run-2")
    forget(workspace, found(workspace))
    assert [run.run_id for run in workspace.store.runs()] == ["run-2"]
    assert [path.name for path in workspace.logs.iterdir()] == ["run-2"]
    assert workspace.store.load("run-2").records


def test_a_run_without_logs_goes_too(workspace: Workspace, populate: Any) -> None:
    populate(workspace)
    for path in [*workspace.logs.glob("*/*"), *workspace.logs.iterdir(), workspace.logs]:
        path.rmdir() if path.is_dir() else path.unlink()
    forget(workspace, found(workspace))
    assert not workspace.store.runs()


def test_a_held_run_stays_whole(workspace: Workspace, populate: Any) -> None:
    populate(workspace)
    journal = workspace.store.acquire("run-1")
    with pytest.raises(Held):
        forget(workspace, found(workspace))
    journal.close()
    assert_whole(workspace)


def test_an_unfinished_run_stays_whole(workspace: Workspace, populate: Any) -> None:
    populate(workspace, failing=True)
    with pytest.raises(Refused, match="run run-1 is paused: only what has ended can be removed"):
        forget(workspace, found(workspace))
    assert_whole(workspace)


def test_a_run_that_went_on_since_it_was_chosen_stays_whole(
    workspace: Workspace, populate: Any
) -> None:
    populate(workspace)
    chosen = found(workspace)
    journal = workspace.store.acquire("run-1")
    journal.append([], at=chosen.updated_at + 9, state="rolled_back")
    journal.close()
    with pytest.raises(Refused, match="run run-1 has changed meanwhile: it is rolled_back"):
        forget(workspace, chosen)
    assert_whole(workspace)


def test_a_damaged_run_is_evidence_and_stays(workspace: Workspace, populate: Any) -> None:
    populate(workspace)
    damage_the_journal(workspace, "altered")
    with pytest.raises(Damaged):
        forget(workspace, found(workspace))
    assert (workspace.logs / "run-1" / "build.1.log").exists()


@pytest.mark.parametrize("url", ["sqlite:{}/.fsm/state.db", "json:{}/.fsm"])
@pytest.mark.parametrize("damage", ["altered", "lost"])
@pytest.mark.parametrize("failing", [False, True])
def test_a_damaged_run_goes_when_it_is_named(
    tmp_path: Path, populate: Any, url: str, damage: str, failing: bool
) -> None:
    workspace = Workspace(tmp_path, url.format(tmp_path), environ={})
    populate(workspace, "run-2")
    populate(workspace, failing=failing)
    damage_the_journal(workspace, damage)
    run = found(workspace)
    assert "run-1" in damage_of(workspace, run).message
    forget_damaged(workspace, run)
    assert [run.run_id for run in workspace.store.runs()] == ["run-2"]
    assert [path.name for path in workspace.logs.iterdir()] == ["run-2"]
    assert workspace.store.load("run-2").records


@pytest.mark.parametrize("failing", [False, True])
def test_a_run_whose_journal_is_whole_does_not_go_as_a_damaged_one(
    workspace: Workspace, populate: Any, failing: bool
) -> None:
    populate(workspace, failing=failing)
    with pytest.raises(Refused, match="the journal of run run-1 is whole"):
        forget_damaged(workspace, found(workspace))
    assert_whole(workspace)


def test_a_damaged_run_that_somebody_has_stays(workspace: Workspace, populate: Any) -> None:
    populate(workspace)
    journal = workspace.store.acquire("run-1")
    damage_the_journal(workspace, "altered")
    with pytest.raises(Held):
        forget_damaged(workspace, found(workspace))
    journal.close()
    assert (workspace.logs / "run-1" / "build.1.log").exists()


def damage_the_journal(workspace: Workspace, damage: str) -> None:
    lines = workspace.cwd / ".fsm/runs/run-1/journal.jsonl"
    if lines.exists():
        text = lines.read_text()
        altered = text.replace("release.yaml", "released.yaml", 1)
        first, second, _, *rest = text.splitlines(keepends=True)
        lost = "".join([first, second, *rest])
        lines.write_text(altered if damage == "altered" else lost)
        return
    with sqlite3.connect(workspace.cwd / ".fsm/state.db") as database:
        do = "UPDATE records SET data = '{}'" if damage == "altered" else "DELETE FROM records"
        last = "SELECT max(place) FROM records WHERE kind = 'StepStarted'"
        database.execute(f"{do} WHERE place = ({last})")
    database.close()


@pytest.mark.parametrize("planted", ["the folder", "the folder of all logs"])
def test_a_link_in_place_of_a_folder_is_not_followed(
    workspace: Workspace, populate: Any, tmp_path: Path, planted: str
) -> None:
    populate(workspace)
    path = workspace.logs / "run-1" if planted == "the folder" else workspace.logs
    real = tmp_path / "elsewhere"
    path.rename(real)
    path.symlink_to(real)
    with pytest.raises(Refused, match=r"is a symbolic link: nothing behind it is removed"):
        forget(workspace, found(workspace))
    assert path.is_symlink()
    assert_whole(workspace)


def test_a_link_inside_the_folder_goes_and_what_it_names_stays(
    workspace: Workspace, populate: Any, tmp_path: Path
) -> None:
    populate(workspace)
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").touch()
    (workspace.logs / "run-1" / "link").symlink_to(precious)
    forget(workspace, found(workspace))
    assert (precious / "file").exists()
    assert not (workspace.logs / "run-1").exists()


def test_a_file_in_place_of_the_folder_is_refused(workspace: Workspace, populate: Any) -> None:
    populate(workspace)
    (workspace.logs / "run-1").rename(workspace.logs / "moved")
    (workspace.logs / "run-1").touch()
    with pytest.raises(Refused, match="is no folder"):
        forget(workspace, found(workspace))


def test_a_folder_that_cannot_be_removed_keeps_the_run(
    workspace: Workspace, populate: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    populate(workspace)

    def unable(*_: object, **__: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("shutil.rmtree", unable)
    with pytest.raises(StateUnavailable, match="run-1: Read-only file system"):
        forget(workspace, found(workspace))
    assert_whole(workspace)


KILLED = """
import os, shutil, signal, sys
from pathlib import Path
from fsm.app.prune import forget
from fsm.app.workspace import Workspace
from fsm.stores import SqliteStore

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

def half(name, dir_fd):
    os.unlink(f"{name}/build.1.log", dir_fd=dir_fd)
    die()

moment, folder = sys.argv[1:]
if moment == "in the middle of the logs":
    shutil.rmtree = half
elif moment == "between the logs and the run":
    SqliteStore.remove = die
workspace = Workspace(Path(folder), f"sqlite:{folder}/.fsm/state.db", environ={})
forget(workspace, workspace.store.runs()[0])
"""


@pytest.mark.parametrize("moment", ["in the middle of the logs", "between the logs and the run"])
def test_killed_in_the_middle_the_run_is_still_told_and_can_be_removed_again(
    workspace: Workspace, populate: Any, moment: str
) -> None:
    populate(workspace)
    before = workspace.store.load("run-1")
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, moment, workspace.cwd],
        env={**os.environ, "PYTHONPATH": str(Path(fsm.__file__).parent.parent)},
        capture_output=True,
        text=True,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert not (workspace.logs / "run-1" / "build.1.log").exists()
    assert workspace.store.load("run-1") == before
    forget(workspace, found(workspace))
    assert not workspace.store.runs()
    assert not list(workspace.logs.iterdir())


def assert_whole(workspace: Workspace) -> None:
    assert workspace.store.load("run-1").records
    names = sorted(path.name for path in (workspace.logs / "run-1").iterdir())
    assert names == ["build.1.log", "deploy.1.outputs"]
