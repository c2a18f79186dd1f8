"""Recovery as S3 means it: from the newest checkpoint, or from an older one; and which run is meant."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fsm.app.workspace import Workspace, backend_url
from fsm.engine.journal import read
from fsm.errors import FsmError, Refused
from fsm.run import events as on

if TYPE_CHECKING:
    from fsm.engine.checkpoint import Checkpoint
    from fsm.engine.ports import RunSummary, Store

__all__ = ["checkpoint_of", "find_run", "run_after", "states_to_search"]

_RAN = (on.StepStarted, on.StepSkipped, on.StepFailed)


def run_after(store: Store, run_id: str, seq: int) -> Sequence[str]:
    """The steps that began, were skipped or rejected after record `seq`, in the order they first did."""
    records = store.load(run_id).records
    later = [record for record in records if record.seq > seq]
    ran = (event.step for event in read(run_id, later) if isinstance(event, _RAN))
    return tuple(dict.fromkeys(ran))


def checkpoint_of(store: Store, run_id: str, number: int) -> Checkpoint:
    """The run's checkpoint of that number. Raises `Refused`, and names those that are kept."""
    kept = store.checkpoints(run_id)
    for checkpoint in kept:
        if checkpoint.seq == number:
            return checkpoint
    there_are = ", ".join(str(checkpoint.seq) for checkpoint in kept)
    raise Refused(
        f"run {run_id} has no checkpoint {number}",
        f"kept are {there_are}" if kept else "none is kept; go on with: fsm resume " + run_id,
    )


def find_run(
    reference: str | None, state: str | None, grace_seconds: float = 10.0
) -> tuple[Workspace, RunSummary, str | None]:
    """The run that `reference` means, its workspace, and the state to be named to find it again.

    A reference is a run's id, or the id of a workflow or plan, whose newest run is meant; `None` is the
    newest run. Without a `state` all those are searched that a specification may have chosen
    here. Raises `Refused` or `Invalid`, as `Workspace.find` does, if nothing fits.
    """
    first: FsmError | None = None
    found: list[tuple[Workspace, RunSummary, str | None]] = []
    for url in states_to_search(state):
        workspace = Workspace.here(url, grace_seconds)
        named = [run for run in workspace.store.runs() if run.plan_id == reference]
        try:
            found.append((workspace, named[0] if named else workspace.find(reference), url))
        except FsmError as error:
            first = first or error
    if not found:
        assert first is not None
        raise first
    return max(found, key=lambda one: one[1].created_at)


def states_to_search(state: str | None) -> Iterator[str | None]:
    """The states in which a run may be: the one that is given; else the default, and those that exist."""
    yield state
    if state or os.environ.get("FSM_STATE"):
        return
    folder = backend_url("json")
    if Path(folder.partition(":")[2]).is_dir():
        yield folder
    if url := os.environ.get("FSM_REDIS_URL"):
        yield url
