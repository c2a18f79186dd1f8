"""Taking up a stored run: read its journal, replay it through the guarded machines, find what was lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from fsm.engine.journal import read
from fsm.errors import Damaged, TransitionRefused
from fsm.garbage import uncollected
from fsm.plan.model import Plan
from fsm.run import Run
from fsm.run.snapshot import outline, restore

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fsm.engine.ports import Store, StoredRun
    from fsm.run import events as on

__all__ = ["Taken", "open_run", "origin", "refold"]


class Taken(NamedTuple):
    """A stored run as it was read: from a checkpoint if there is one, else from its whole journal.

    `created` is how it began: its folder and the file its plan was read from. `replayed` counts the records
    that were replayed after record `checkpoint`, 0 if there is no checkpoint.
    """

    run: Run
    created: on.RunCreated
    checkpoint: int
    replayed: int
    warnings: Sequence[str]


@uncollected()
def open_run(store: Store, run_id: str) -> Taken:
    """The run as its newest checkpoint and the rest of its journal tell it, or its journal alone.

    Raises `Damaged` if a record is not as it was written or breaks a rule (I1).
    """
    stored = store.load(run_id, from_checkpoint=True)
    checkpoint, warnings = stored.checkpoint, list(stored.warnings)
    if checkpoint is not None:
        try:
            plan = Plan.from_document(stored.document, outline(checkpoint.state))
            run = restore(plan, run_id, checkpoint.state)
        except ValueError as error:
            warnings.append(f"checkpoint {checkpoint.seq} of run {run_id} is set aside: {error}")
        else:
            _replay(run, stored)
            return Taken(run, origin(run), checkpoint.seq, len(stored.records), warnings)
        stored = store.load(run_id)
    run = refold(stored)
    return Taken(run, origin(run), 0, len(stored.records), warnings)


Watcher = Callable[["Run", float, "on.Event"], None]


@uncollected()
def refold(stored: StoredRun, watch: Watcher | None = None) -> Run:
    """The run as its whole journal tells it (I2). Raises `Damaged` if a record breaks a rule (I1).

    `watch` is called after each event, with the run as it was then and the time of the record.
    """
    run = Run(_plan(stored), stored.summary.run_id)
    _replay(run, stored, watch)
    return run


def _plan(stored: StoredRun) -> Plan:
    try:
        return Plan.from_document(stored.document)
    except ValueError as error:
        raise Damaged(
            f"the plan of run {stored.summary.run_id} cannot be read by this version: {error}",
            "nothing was changed; read it with the version of fsm that wrote it",
        ) from None


def _replay(run: Run, stored: StoredRun, watch: Watcher | None = None) -> None:
    for record, event in zip(stored.records, read(run.run_id, stored.records), strict=True):
        try:
            run.apply(event)
        except (TransitionRefused, KeyError) as error:
            raise Damaged(
                f"the journal of run {run.run_id} breaks a rule at record {record.seq} "
                f"({record.kind}): {error}",
                "nothing was changed; keep the state folder and start anew with --new",
            ) from None
        if watch is not None:
            watch(run, record.at, event)


def origin(run: Run) -> on.RunCreated:
    """How the run began: its folder and the file its plan was read from. Raises `Damaged` if not told."""
    if run.created is None:
        raise Damaged(
            f"the journal of run {run.run_id} does not begin with its creation",
            "nothing was changed; keep the state folder and start anew with --new",
        )
    return run.created
