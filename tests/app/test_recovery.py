"""Recovery from checkpoints: which one was used, and going back to an older one."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

import fsm
from fsm.app.workspace import Workspace
from fsm.engine.checkpoint import Checkpoint, encode
from fsm.engine.recovery import refold
from fsm.run.snapshot import snapshot

PLAN = """
plan:
  id: deploy
  error_handling: {multiple_failures: pause}
  steps:
    - {id: one, run: echo one >> made}
    - {id: two, run: test -e mended && echo two >> made, depends_on: one}
    - {id: three, run: echo three >> made, depends_on: two}
    - {id: four, run: test -e ready && echo four >> made, depends_on: three}
"""


def command(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "fsm", *words], capture_output=True, text=True, check=False
    )


def keep_checkpoint(run_id: str, before: str) -> int:
    """One of the run as it rests now."""
    store = Workspace.here().store
    journal = store.acquire(run_id)
    state = snapshot(refold(store.load(run_id)))
    journal.keep(encode(Checkpoint(journal.seq, journal.hash, 1_800_000_000.0, before, state)))
    number = journal.seq
    journal.close()
    return number


def made() -> list[str]:
    return Path("made").read_text().split()


@pytest.fixture
def paused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, int]:
    """A run in which `four` has failed, with a checkpoint from before `two` completed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FSM_STATE", "sqlite:.fsm/state.db")
    Path("plan.yaml").write_text(PLAN)
    plan = fsm.load("plan.yaml")
    run = fsm.execute(plan, approve=plan.digest)
    number = keep_checkpoint(run.run_id, "two")
    Path("mended").touch()
    assert fsm.recover(run.run_id).state == "paused"
    assert made() == ["one", "two", "three"]
    return run.run_id, number


def test_recover_says_from_which_checkpoint_and_what_was_replayed(paused: tuple[str, int]) -> None:
    _, number = paused
    Path("ready").touch()
    told = command("recover", "deploy")
    assert told.returncode == 0
    assert f"from checkpoint {number} (before two): 7 records after it replayed" in told.stdout
    assert made() == ["one", "two", "three", "four"]


def test_going_back_runs_again_what_ran_after_the_checkpoint(paused: tuple[str, int]) -> None:
    run_id, number = paused
    Path("ready").touch()
    told = command("recover", run_id, "--checkpoint", str(number))
    assert told.returncode == 0
    assert f"back to checkpoint {number} (before two); to be run again: two, three, four" in (
        told.stdout
    )
    assert made() == ["one", "two", "three", "two", "three", "four"]


def test_from_python_too(paused: tuple[str, int]) -> None:
    run_id, number = paused
    Path("ready").touch()
    assert fsm.recover(run_id, checkpoint=number).state == "completed"
    assert made() == ["one", "two", "three", "two", "three", "four"]


def test_the_checkpoints_are_listed_with_what_each_would_run_again(
    paused: tuple[str, int],
) -> None:
    run_id, number = paused
    again = ["two", "three", "four"]
    entry = {"checkpoint": number, "at": 1_800_000_000.0, "before": "two", "again": again}
    told = command("recover", "deploy", "--list", "--json")
    assert json.loads(told.stdout) == {"run": run_id, "checkpoints": [entry]}
    text = command("recover", "--list").stdout
    assert "before two" in text
    assert "to be run again from here: two, three, four" in text
    assert made() == ["one", "two", "three"]


def test_for_programs_it_tells_the_same_as_events(paused: tuple[str, int]) -> None:
    _, number = paused
    told = command("recover", "--checkpoint", str(number), "--json")
    assert told.returncode == 3
    events = [json.loads(line) for line in told.stdout.splitlines()]
    assert {
        "event": "Recovered",
        "checkpoint": number,
        "before": "two",
        "replayed": 7,
        "set_aside": [],
    } in events
    [back] = [event for event in events if event["event"] == "WentBack"]
    assert back["again"] == ["two", "three", "four"]


def test_a_checkpoint_that_is_not_kept_is_refused_with_those_that_are(
    paused: tuple[str, int],
) -> None:
    run_id, number = paused
    told = command("recover", "--checkpoint", "99")
    assert told.returncode == 6
    assert f"run {run_id} has no checkpoint 99\n  kept are {number}" in told.stderr


def test_a_damaged_checkpoint_is_set_aside_and_said(paused: tuple[str, int]) -> None:
    _, number = paused
    with closing(sqlite3.connect(".fsm/state.db")) as connection, connection:
        [data] = connection.execute("SELECT data FROM checkpoints").fetchone()
        connection.execute("UPDATE checkpoints SET data = ?", (data.replace(b"paused", b"Paused"),))
    told = command("recover")
    assert told.returncode == 3
    assert f"checkpoint {number} of run" in told.stderr
    assert "is set aside: it was altered" in told.stderr
    assert "no checkpoint can be used: the whole journal was replayed" in told.stdout


def test_the_tables_refuse_to_recover_what_was_rolled_back(paused: tuple[str, int]) -> None:
    run_id, number = paused
    assert command("rollback").returncode == 4
    for words in ((), ("--checkpoint", str(number))):
        told = command("recover", *words)
        assert told.returncode == 6
    with pytest.raises(fsm.Refused):
        fsm.recover(run_id)
