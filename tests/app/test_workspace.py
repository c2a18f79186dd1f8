"""Which state a command means."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fsm.app.workspace import Workspace


@pytest.fixture
def below(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder below one that has state, in which commands are given."""
    folder = tmp_path / "project" / "a" / "b"
    folder.mkdir(parents=True)
    (tmp_path / "project" / ".fsm").mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.delenv("FSM_STATE", raising=False)
    return folder


def test_the_nearest_state_above_is_meant(below: Path) -> None:
    there = Workspace.here()
    assert there.state_url == f"sqlite:{below.parents[1]}/.fsm/state.db"
    assert there.logs == below.parents[1] / ".fsm" / "logs"
    assert there.cwd == below


def test_state_above_that_belongs_to_somebody_else_is_not_meant(
    below: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    somebody_else = os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: somebody_else)
    assert Workspace.here().state_url == "sqlite:.fsm/state.db"


def test_state_of_another_file_system_is_not_meant(
    below: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Path.stat

    def elsewhere(path: Path, **how: bool) -> os.stat_result:
        found = list(whole(path, **how))
        found[2] += path == below.parents[1]  # st_dev
        return os.stat_result(found)

    monkeypatch.setattr(Path, "stat", elsewhere)
    assert Workspace.here().state_url == "sqlite:.fsm/state.db"


def test_what_is_said_counts_more(below: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FSM_STATE", "sqlite:there.db")
    assert Workspace.here().state_url == "sqlite:there.db"
    assert Workspace.here("sqlite:said.db").state_url == "sqlite:said.db"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://u:s3cret@host/0", "redis://u:***@host/0"),
        ("unix://:s3cret@/run/redis.sock", "unix://:***@/run/redis.sock"),
        ("memory:", "memory:"),
    ],
)
def test_of_a_state_that_is_no_file_the_logs_stay_in_the_nearest_folder(
    below: Path, url: str, shown: str
) -> None:
    there = Workspace.here(url)
    assert there.logs == below.parents[1] / ".fsm" / "logs"
    assert there.shown_url == shown
    assert not (below / ".fsm").exists()
