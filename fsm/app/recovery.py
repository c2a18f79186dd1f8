"""Recovery as S3 means it: from the newest checkpoint, or from an older one; and which run is meant."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from fsm.app.workspace import Workspace, backend_url
from fsm.engine.journal import read
from fsm.errors import FsmError, Refused, StateUnavailable
from fsm.run import events as on

if TYPE_CHECKING:
    from fsm.engine.checkpoint import Checkpoint
    from fsm.engine.ports import RunSummary, Store

__all__ = ["checkpoint_of", "elsewhere", "find_run", "run_after"]

_RAN = (on.StepStarted, on.StepSkipped, on.StepFailed)


def run_after(store: Store, run_id: str, seq: int) -> Sequence[str]:
    """The steps that began, were skipped or rejected after record `seq`, in the order they first did."""
    records = store.load(run_id).records
    later = [record for record in records if record.seq > seq]
    ran = (event.step for event in read(run_id, later) if isinstance(event, _RAN))
    return tuple(dict.fromkeys(ran))


def checkpoint_of(store: Store, run_id: str, wanted: int | str) -> Checkpoint:
    """The run's checkpoint of that number, or the newest before the step of that name (S3).

    Raises `Refused`, and names those that are kept.
    """
    kept = store.checkpoints(run_id)
    for checkpoint in reversed(kept):
        if wanted in (checkpoint.seq, checkpoint.before or None):
            return checkpoint
    there_are = ", ".join(
        f"{each.seq} (before {each.before})" if each.before else str(each.seq) for each in kept
    )
    which = f"before `{wanted}`" if isinstance(wanted, str) else wanted
    raise Refused(
        f"run {run_id} has no checkpoint {which}",
        f"kept are {there_are}" if kept else "none is kept; go on with: fsm resume " + run_id,
    )


def find_run(
    reference: str | None, state: str | None, grace_seconds: float = 10.0
) -> tuple[Workspace, RunSummary, str | None]:
    """The run that `reference` means, its workspace, and the state to be named to find it again.

    A reference is a run's id, or the id of a workflow or plan, whose newest run is meant; `None` is the
    newest run. Without a `state` all those are searched that a specification may have chosen
    here. Raises `Refused` or `Invalid`, as `Workspace.find` does, if nothing fits; `StateUnavailable` if a
    state that might know a newer run cannot be read.
    """
    missing: FsmError | None = None
    found: list[tuple[Workspace, RunSummary, str | None]] = []
    for url in _states_to_search(state):
        workspace = Workspace.here(url, grace_seconds)
        runs: Sequence[RunSummary] = ()
        try:
            runs = workspace.store.runs()
            named = [run for run in runs if run.plan_id == reference]
            run = named[0] if named else workspace.find(reference, runs)
        except StateUnavailable as error:
            if reference is None or not found:
                raise error
        except FsmError as error:
            missing = error if runs else missing or error
        else:
            found.append((workspace, run, url))
            if run.run_id == reference:
                break
    if not found:
        assert missing is not None
        raise missing
    return max(found, key=lambda one: one[1].created_at)


def elsewhere(state: str | None) -> Iterator[tuple[str, int]]:
    """The other states of this folder that a specification may have chosen, and how many runs each holds.

    None if a `state` is given: then that is meant. One that cannot be read is passed over.
    """
    _, *others = _states_to_search(state)
    for url in filter(None, others):
        with suppress(FsmError):
            if runs := Workspace.here(url).store.runs():
                yield url, len(runs)


def _states_to_search(state: str | None) -> Iterator[str | None]:
    """The states in which a run may be: the one that is given; else the default, and those that exist."""
    yield state
    if state or os.environ.get("FSM_STATE"):
        return
    folder = backend_url("json")
    if os.path.isdir(folder.partition(":")[2]):  # noqa: PTH112 (of one that we may not reach, Path raises)
        yield folder
    if url := os.environ.get("FSM_REDIS_URL"):
        yield url
