"""What past runs left: what their steps printed, and what their journals tell in numbers."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from fsm.errors import FsmError, Invalid, Problem

if TYPE_CHECKING:
    from fsm.app.workspace import Workspace
    from fsm.engine.ports import RunSummary
    from fsm.run import Run
    from fsm.run.metrics import RunMetrics

__all__ = ["died", "forget_outputs", "measured", "plan_runs", "step_logs"]

_DRIVEN = frozenset({"running", "rolling_back", "aborting"})
"""The states in which a run goes on by itself, as long as a process holds it."""


def step_logs(workspace: Workspace, run: Run, step_id: str) -> dict[str, str]:
    """The captured output of every attempt of a step, by file name, in the order they were made.

    As text in which nothing can steer a terminal (F41): the files alone have every byte. Masked again,
    because taking out an escape sequence may put a secret together.
    """
    from fsm.actions.output.masking import Masker
    from fsm.actions.output.text import plain_text

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


def plan_runs(workspace: Workspace, plan: str) -> tuple[str, list[RunSummary]]:
    """The id of the plan, and its runs, newest first. `plan` is the id of one that ran, or a plan file.

    Raises `Invalid` if it is neither, or if the file cannot be read as a plan.
    """
    runs = workspace.store.runs()
    plan_ids = {run.plan_id for run in runs}
    plan_id = plan if plan in plan_ids else _id_in(plan, plan_ids)
    return plan_id, [run for run in runs if run.plan_id == plan_id]


def died(workspace: Workspace, runs: Iterable[RunSummary]) -> frozenset[str]:
    """The ids of those runs whose process died: they would go on, and nobody holds them.

    One that came to rest, or was taken up, while this looked is none of them.
    """
    free = [
        run for run in runs if run.state in _DRIVEN and workspace.store.holder(run.run_id) is None
    ]
    if not free:
        return frozenset()
    now = {run.run_id: run for run in workspace.store.runs()}
    return frozenset(run.run_id for run in free if now.get(run.run_id) == run)


def measured(
    workspace: Workspace, runs: Iterable[RunSummary], left_out: list[FsmError]
) -> Iterator[RunMetrics]:
    """The metrics of each run, as its journal tells them; `left_out` takes why one cannot be read."""
    from fsm.engine.recovery import refold
    from fsm.run.metrics import Meter

    for summary in runs:
        meter = Meter()
        try:
            run = refold(workspace.store.load(summary.run_id), meter.observe)
        except FsmError as error:
            left_out.append(error)
        else:
            yield meter.metrics(run)


def _id_in(plan: str, known: Collection[str]) -> str:
    if os.path.exists(plan):  # noqa: PTH110 (of a name that no file can have, Path raises)
        from fsm.plan import load_plan

        return load_plan(plan).id
    from fsm.document import suggest

    hint = suggest(plan, known) or "list all runs with: fsm list --all"
    raise Invalid([Problem(f"no plan `{plan}` has run here, and there is no such file", hint)])
