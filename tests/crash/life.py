"""One life of a process: the command `fsm` itself, with kill points, in a fork of a warm parent."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import fsm.app.session
import fsm.views.report
from fsm.cli import run as fsm_command

from .controls import Patches
from .person import Life
from .points import Kill, Points
from .reaper import wait_for_orphans
from .watched import watch

__all__ = ["COUNTS", "PRINTED", "Ended", "lead", "lead_really"]

COUNTS, PRINTED = "counts", "printed"
_TOO_LONG_SECONDS = 30
_TOP = Path(__file__).parents[2]
_WARM = (fsm.app.session, fsm.views.report)  # what commands load late, a child finds loaded


class Ended(NamedTuple):
    """The process that led a life, and how it ended: an exit code, or minus a signal."""

    pid: int
    code: int


def lead(
    life: Life,
    folder: Path,
    url: str,
    kill: Kill | None = None,
    broken: Patches = (),
) -> Ended:
    """Fork, and let the child carry out that command in `folder`, until it ends or is killed.

    Its state is at `url`. `broken` is how the engine is broken first, in the child. What it prints is in the
    file `printed`, and how often it crossed each point in `counts`, if it lived on. Waits also for what it
    leaves running.
    """
    sys.stdout.flush()
    if pid := os.fork():
        _, status = os.waitpid(pid, 0)
        wait_for_orphans()
        return Ended(pid, os.waitstatus_to_exitcode(status))
    code = 70
    try:
        signal.alarm(_TOO_LONG_SECONDS)
        _redirect(folder)
        points = Points(folder, kill)
        watch(points)
        for each in broken:
            each.__enter__()
        code = fsm_command(_arguments(life, url))
        sys.stdout.flush()
        (folder / COUNTS).write_text(json.dumps(points.counts))
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(code)


def lead_really(
    life: Life,
    folder: Path,
    url: str,
    within: Sequence[str] = (),
    control: str = "",
    kill_after_seconds: float | None = None,
) -> Ended:
    """The same by a fresh interpreter, without a point in it.

    It is started by the command line `within`, if there is one, and broken by `control`.
    """
    program = ["-m", "tests.crash.broken", control] if control else ["-m", "fsm"]
    with (folder / PRINTED).open("a") as printed:
        process = subprocess.Popen(
            [*within, sys.executable, *program, *_arguments(life, url)],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(_TOP)} if control else None,
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=printed,
        )
        if kill_after_seconds is not None:
            with suppress(subprocess.TimeoutExpired):
                process.wait(kill_after_seconds)
            process.kill()  # does nothing to who has ended
        code = process.wait(_TOO_LONG_SECONDS)
    wait_for_orphans()
    return Ended(process.pid, code)


def _arguments(life: Life, url: str) -> Sequence[str]:
    answers = [word for step in life.rerun for word in ("--rerun", step)]
    answers += [word for step in life.done for word in ("--done", step)]
    words = {
        "approve": ["approve", "plan.yaml"],
        "begin": ["run", "plan.yaml", *([] if life.is_approved else ["--yes"])],
        "resume": ["resume", *answers],
        "rollback": ["rollback"],
        "mark": ["mark", life.step, life.word, "--reason", "seen in the ledger"],
    }[life.kind]
    return [*words, "--state", url]


def _redirect(folder: Path) -> None:
    """Work in that folder, nobody at the keyboard, all that is printed in a file."""
    os.chdir(folder)
    nothing = os.open(os.devnull, os.O_RDONLY)
    printed = os.open(PRINTED, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    for fd, end in ((nothing, 0), (printed, 1), (printed, 2)):
        os.dup2(fd, end)
