"""What past runs left: files, and processes that go on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fsm.actions.survivors import Survivor
    from fsm.app.workspace import Workspace
    from fsm.run import Run

__all__ = ["forget_outputs", "step_logs", "still_at_work"]


def step_logs(workspace: Workspace, run: Run, step_id: str) -> dict[str, str]:
    """The captured output of every attempt of a step, by file name, in the order they were made.

    As text in which nothing can steer a terminal (F41): the files alone have every byte. Masked again,
    because taking out an escape sequence may put a secret together.
    """
    from fsm.actions.masking import Masker
    from fsm.actions.text import plain_text

    masker = Masker(workspace.site(run.run_id, run.plan, workspace.cwd).secrets)
    name = re.compile(rf"{re.escape(step_id)}(@[a-z_]+)?\.[0-9]+\.log")
    folder = workspace.logs / run.run_id
    if not folder.is_dir():
        return {}
    files = sorted(
        (path for path in folder.iterdir() if name.fullmatch(path.name)),
        key=lambda path: path.stat().st_mtime_ns,
    )
    texts = {path.name: plain_text(path.read_bytes()) for path in files}
    return {file: masker.mask(text.encode()).decode() for file, text in texts.items()}


def forget_outputs(workspace: Workspace, run_id: str) -> None:
    """Remove the output files that a dead runner did not come to read: nothing in them is masked (I22)."""
    for path in (workspace.logs / run_id).glob("*.outputs"):
        with suppress(OSError):
            path.unlink()


def still_at_work(run: Run) -> Sequence[Survivor]:
    """The living processes of what the journal says is in flight; `run` is driven by nobody."""
    if not run.in_flight:
        return ()
    from fsm.actions.survivors import InFlight, survivors

    return survivors(
        run.run_id,
        [
            InFlight(r.id, r.attempt if r.state == "running" else r.undo_attempt, r.process)
            for r in run.in_flight.values()
        ],
    )
