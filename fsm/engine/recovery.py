"""Taking up a stored run: read its journal, replay it through the guarded machines, find what was lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fsm.engine.journal import read
from fsm.errors import Damaged, TransitionRefused
from fsm.plan.model import Plan
from fsm.run import Run
from fsm.run import events as on

if TYPE_CHECKING:
    from fsm.engine.ports import StoredRun

__all__ = ["origin", "refold"]


def refold(stored: StoredRun) -> Run:
    """The run as its journal tells it (I2). Raises `Damaged` if a record breaks a rule (I1)."""
    run_id = stored.summary.run_id
    try:
        plan = Plan.from_document(stored.document)
    except ValueError as error:
        raise Damaged(
            f"the plan of run {run_id} cannot be read by this version: {error}",
            "nothing was changed; read it with the version of fsm that wrote it",
        ) from None
    run = Run(plan, run_id)
    for record, event in zip(stored.records, read(run_id, stored.records), strict=True):
        try:
            run.apply(event)
        except (TransitionRefused, KeyError) as error:
            raise Damaged(
                f"the journal of run {run_id} breaks a rule at record {record.seq} "
                f"({record.kind}): {error}",
                "nothing was changed; keep the state folder and start anew with --new",
            ) from None
    return run


def origin(stored: StoredRun) -> on.RunCreated:
    """How the run began: its folder and the file its plan was read from."""
    first = next(read(stored.summary.run_id, stored.records[:1]), None)
    if not isinstance(first, on.RunCreated):
        raise Damaged(
            f"the journal of run {stored.summary.run_id} does not begin with its creation",
            "nothing was changed; keep the state folder and start anew with --new",
        )
    return first
