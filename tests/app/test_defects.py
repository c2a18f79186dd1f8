"""A defect of fsm itself: one message with the next move, exit code 70, and no traceback unless asked for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

BROKEN = """
import sys
from fsm.app.workspace import Workspace

def broken(*_, **__):
    raise ZeroDivisionError("seven by nothing")

Workspace.find = broken
Workspace.refuse_unfinished = broken
from fsm.__main__ import main
main()
"""


def broken_fsm(folder: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", BROKEN, *arguments],
        cwd=folder,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=60,
    )


def prepared(folder: Path) -> None:
    (folder / "plan.yaml").write_text("plan: {id: one, steps: [{id: a, run: 'echo > happened'}]}")


def test_a_defect_is_told_in_words_and_ends_with_70(tmp_path: Path) -> None:
    prepared(tmp_path)
    done = broken_fsm(tmp_path, "run", "plan.yaml", "--yes")
    assert done.returncode == 70
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("error: a defect of fsm: ZeroDivisionError: seven by nothing")
    assert "FSM_DEBUG=1" in done.stderr
    assert not (tmp_path / "happened").exists()


def test_for_programs_it_is_json(tmp_path: Path) -> None:
    done = broken_fsm(tmp_path, "status", "--json")
    assert done.returncode == 70
    told = json.loads(done.stdout)
    assert told["exit_code"] == 70
    assert "seven by nothing" in told["error"]
    assert done.stderr == ""


def test_who_asks_for_it_is_shown_the_traceback(tmp_path: Path) -> None:
    done = broken_fsm(tmp_path, "status", FSM_DEBUG="1")
    assert "Traceback" in done.stderr
    assert done.returncode == 1
