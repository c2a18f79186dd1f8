"""What every store refuses, in the same words."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from hashlib import sha256
from pathlib import Path

from fsm.engine.journal import Record, seal, verify
from fsm.engine.ports import FINAL_STATES, Approval, RunSummary, StoredRun
from fsm.errors import Conflict, Damaged, Refused, StateUnavailable
from fsm.run.events import Event

__all__ = [
    "NEXT_MOVE",
    "approval_gone",
    "closed",
    "conflict",
    "driven",
    "exists_already",
    "file_gone",
    "first_records",
    "is_run_id",
    "newer_format",
    "no_such_run",
    "refuse_altered",
    "refuse_beside",
    "refuse_run_id",
    "refuse_unfinished",
    "unfinished",
    "without_run",
]

NEXT_MOVE = "nothing was changed; restore the state from a backup, or begin anew with --state"
"""What to do about damage."""

_USUAL_WAYS_ON = (("go on", "resume"), ("undo it", "rollback"), ("give it up", "abort"))
_WAYS_ON = {
    "rolling_back": (("go on", "rollback"), ("give it up", "abort")),
    "needs_intervention": (
        ("see what is needed", "status"),
        ("then go on", "rollback"),
        ("or give it up", "abort"),
    ),
    "aborting": (("end it", "abort"),),
}
_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


def first_records(
    summary: RunSummary, document: bytes, events: Sequence[Event], approval: Approval | None
) -> list[Record]:
    """The records that a run of that plan begins with, in its first epoch.

    Raises `Refused` for a name that names no run, or an approval of another plan; `ValueError` for a
    document of another digest.
    """
    _refuse_mismatch(summary, document, approval)
    refuse_run_id(summary.run_id)
    at = float(summary.created_at) + 0.0  # not every store keeps the sign of zero
    return seal(events, after=0, previous=summary.digest, epoch=1, at=at)


def refuse_beside(summary: RunSummary, others: Iterable[RunSummary], *, alongside: bool) -> None:
    """Raises `Refused` if another run has the run's name, or is of its plan and not ended.

    `others` are newest first; the newest such is named. `alongside` allows for unfinished ones.
    """
    others = tuple(others)
    if any(other.run_id == summary.run_id for other in others):
        raise exists_already(summary.run_id)
    for other in () if alongside else others:
        if other.plan_id == summary.plan_id and other.state not in FINAL_STATES:
            raise unfinished(other)


def _refuse_mismatch(summary: RunSummary, document: bytes, approval: Approval | None) -> None:
    """Raises `Refused` if the approval is of another plan, and `ValueError` if the document is."""
    if sha256(document).hexdigest() != summary.digest:
        raise ValueError(f"the document of run {summary.run_id} does not have the run's digest")
    if approval is not None and approval.digest != summary.digest:
        raise Refused(
            f"the approval is for {approval.digest:.12}, the plan is {summary.digest:.12}",
            "look at the plan with `fsm plan` and approve it again",
        )


def refuse_altered(stored: StoredRun) -> None:
    """Raises `Damaged` if the plan or a record of a run from elsewhere is not as it was written."""
    run = stored.summary
    if sha256(stored.document).hexdigest() != run.digest:
        raise Damaged(
            f"the plan of run {run.run_id} is not as it was written",
            "nothing was changed; export the run again",
        )
    verify(run.run_id, stored.records, run.digest)


def refuse_unfinished(run: RunSummary) -> None:
    """Raises `Refused` if the run has not ended."""
    if run.state not in FINAL_STATES:
        raise Refused(
            f"run {run.run_id} is {run.state}: only what has ended can be removed",
            f"end it with `fsm resume {run.run_id}`, `fsm rollback {run.run_id}` or "
            f"`fsm abort {run.run_id}`",
        )


def refuse_run_id(run_id: str) -> None:
    """Raises `Refused` for a name that is not safe in a path or a command."""
    if not is_run_id(run_id):
        raise Refused(
            f"{run_id!r} cannot name a run",
            "a run is named by up to 64 letters, digits, `_`, `.` and `-`, a letter or digit first",
        )


def is_run_id(text: str) -> bool:
    """Whether the text may name a run (F61)."""
    return _RUN_ID.fullmatch(text) is not None


def no_such_run(run_id: str, known: Collection[str], where: str) -> Refused:
    """`known` are the runs that there are, newest first."""
    if not known:
        return Refused(
            f"there is no run {run_id}: {where} holds none", "begin one with: fsm run FILE"
        )
    from difflib import get_close_matches

    near = get_close_matches(run_id, known, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"the newest is {next(iter(known))};"
    return Refused(f"there is no run {run_id} in {where}", f"{hint} fsm list shows all")


def exists_already(run_id: str) -> Refused:
    return Refused(f"there is a run {run_id} already", f"see it with: fsm status {run_id}")


def unfinished(run: RunSummary) -> Refused:
    run_id = run.run_id
    ways = [
        f"{words} with `fsm {command} {run_id}`"
        for words, command in _WAYS_ON.get(run.state, _USUAL_WAYS_ON)
    ]
    return Refused(
        f"plan {run.plan_id} has an unfinished run {run_id} ({run.state})",
        f"{', '.join(ways)}, or begin another beside it with `--new`",
    )


def driven(run: RunSummary, pid: int) -> Refused:
    """`pid` is that of the process that drives the run, 0 if it cannot be told."""
    run_id = run.run_id
    return Refused(
        f"plan {run.plan_id} has an unfinished run {run_id} ({run.state}), which another process drives"
        + (f" (pid {pid})" if pid else ""),
        f"see how far it is with `fsm status {run_id}`, stop it with `fsm abort {run_id}`, or begin "
        f"another beside it with `--new`",
    )


def approval_gone(used_by: str) -> Refused:
    """`used_by` is empty if the approval was never recorded."""
    what = f"was used by run {used_by}" if used_by else "is not recorded"
    return Refused(f"this approval {what}; approve again", "with: fsm approve FILE")


def conflict(run_id: str, epoch: int, newest: int | None) -> Conflict:
    """`newest` is the epoch that the store holds, `None` if it no longer holds the run."""
    if newest is None:
        what = "is gone from the store"
    elif newest > epoch:
        what = f"was taken over by another runner (epoch {newest}, this one has {epoch})"
    else:
        what = "has another journal than this runner wrote"
    return Conflict(
        f"run {run_id} {what}; nothing was recorded by this one",
        f"see where it stands with: fsm status {run_id}",
    )


def file_gone(path: str | Path, run_id: str) -> StateUnavailable:
    """What is written now would be in a file that nobody finds again.

    A step may have removed it: `git clean`, `git reset --hard` over a state that was committed.
    """
    return StateUnavailable(
        f"{path} was removed or replaced while run {run_id} went on",
        "find out what did that (a step?) and restore the file; nothing more was started",
    )


def without_run(folder: Path) -> str:
    """What to do about damage to the folder of one run, which keeps others from being listed."""
    lock = folder.parent.parent / "locks" / f"{folder.name}.lock"
    return (
        "nothing was changed; restore the state from a backup; or, to do without this run, move "
        f"{folder} elsewhere and remove {lock}"
    )


def newer_format(path: Path, found: int, known: int) -> StateUnavailable:
    return StateUnavailable(
        f"{path} is of format {found}, of a newer fsm; this one knows format {known}",
        "use the newer fsm, or keep the file and begin anew with --state",
    )


def closed(run_id: str) -> StateUnavailable:
    return StateUnavailable(
        f"this runner may no longer write the journal of run {run_id}",
        f"see where it stands with: fsm status {run_id}; then: fsm resume {run_id}",
    )
