"""Runs and approvals as rows, and how a row shows that it is as it was written.

The journal's records are chained by `fsm.engine.journal`. Rows are no part of that chain: each carries a
checksum over all its cells, wherever it is kept.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, Self

from fsm.engine.checkpoint import Checkpoint
from fsm.engine.journal import Record, verify
from fsm.engine.ports import Approval, RunSummary
from fsm.errors import Damaged
from fsm.stores.lock import Head
from fsm.stores.refusals import NEXT_MOVE
from fsm.values import Value

__all__ = [
    "ApprovalRow",
    "Integrity",
    "RunRow",
    "moment",
    "run_checksum",
    "run_identity",
    "types",
]

_RUN_CELLS = (int, str, str, str, str, float, float, str, int, int, str, str)
_APPROVAL_CELLS = (int, str, str, float, str, str, str)
_to_json = json.JSONEncoder(separators=(",", ":")).encode


def moment(seconds: float) -> float:
    """The time as SQLite gives it back: a float, without the sign of zero. Hashes depend on it."""
    return float(seconds) + 0.0


def run_identity(number: int, summary: RunSummary) -> str:
    """The cells of a run's row that never change, as the part of its checksum that never does."""
    return _to_json(
        [
            number,
            summary.run_id,
            summary.plan_id,
            summary.plan_name,
            summary.digest,
            moment(summary.created_at),
        ]
    )


def run_checksum(
    identity: str, updated_at: float, state: str, epoch: int, seq: int, hash_: str
) -> str:
    """The checksum of a run's row: its identity, and the cells that change with every append."""
    return sha256(f"{identity} {updated_at!r} {state} {epoch} {seq} {hash_}".encode()).hexdigest()


class RunRow(Value):
    """A row of `runs` that is as it was written."""

    number: int
    summary: RunSummary
    epoch: int
    seq: int
    hash: str

    @classmethod
    def read(cls, cells: Sequence[Any], path: Path | str) -> Self:
        """The row of these cells, in the table's order. Raises `Damaged`."""
        if types(cells) == _RUN_CELLS:
            number, run_id, plan_id, plan_name, digest, created_at, updated_at, state, *rest = cells
            epoch, seq, hash_, checksum = rest
            summary = RunSummary(run_id, plan_id, plan_name, digest, state, created_at, updated_at)
            row = cls(number, summary, epoch, seq, hash_)
            if row.checksum() == checksum:
                return row
        raise Damaged(f"{path}: the entry of run {cells[1]} was altered", NEXT_MOVE)

    def cells(self) -> tuple[Any, ...]:
        """The cells to write, in the table's order."""
        run = self.summary
        created_at, updated_at = moment(run.created_at), moment(run.updated_at)
        names = (self.number, run.run_id, run.plan_id, run.plan_name, run.digest)
        head = (self.epoch, self.seq, self.hash)
        return (*names, created_at, updated_at, run.state, *head, self.checksum())

    def checksum(self) -> str:
        run = self.summary
        identity = run_identity(self.number, run)
        return run_checksum(
            identity, moment(run.updated_at), run.state, self.epoch, self.seq, self.hash
        )


class ApprovalRow(Value):
    """A row of `approvals`; `used_by` is empty until a run has used it."""

    number: int
    approval: Approval
    used_by: str = ""

    @classmethod
    def read(cls, cells: Sequence[Any], path: Path | str) -> Self:
        """The row of these cells, in the table's order. Raises `Damaged`."""
        if types(cells) == _APPROVAL_CELLS:
            number, digest, by, at, how, used_by, checksum = cells
            row = cls(number, Approval(digest, by, at, how), used_by)
            if row.cells()[-1] == checksum:
                return row
        raise Damaged(f"{path}: approval {cells[0]} was altered", NEXT_MOVE)

    def cells(self) -> tuple[Any, ...]:
        """The cells to write, in the table's order."""
        approval = self.approval
        at = moment(approval.at)
        cells = (self.number, approval.digest, approval.by, at, approval.how, self.used_by)
        return (*cells, sha256(_to_json(cells).encode()).hexdigest())


class Integrity(Value):
    """Whether a run in the store at `where` is as it was written, and what to say and do if it is not.

    `lost` words that the journal ends before the record that was acknowledged.
    """

    where: str
    next_move: str
    lost: Callable[[RunRow, Head], Damaged]

    def compare(self, row: RunRow, head: Head | None) -> None:
        """Raises `Damaged` if more was acknowledged than is there; less is fine (F16, F25, F27)."""
        if head is None or head.seq < row.seq:
            return
        if head.seq > row.seq:
            raise self.lost(row, head)
        if head.hash != row.hash:
            raise self.damaged(f"run {row.summary.run_id} does not end as it was written")

    def verify(
        self,
        row: RunRow,
        records: Sequence[Record],
        head: Head | None,
        checkpoint: Checkpoint | None,
    ) -> None:
        """Raises `Damaged` unless these are all the run's records, or all that follow the checkpoint."""
        run_id = row.summary.run_id
        after, previous = (
            (checkpoint.seq, checkpoint.hash) if checkpoint else (0, row.summary.digest)
        )
        try:
            verify(run_id, records, previous, after)
        except Damaged as error:
            raise Damaged(f"{self.where}: {error.message}", error.hint) from None
        chain = {after: previous} | {record.seq: record.hash for record in records}
        last = after + len(records)
        if last != row.seq or chain[last] != row.hash:
            raise self.damaged(
                f"the journal of run {run_id} ends at record {last}, not at {row.seq}"
            )
        self.compare(row, head)
        if head is not None and head.seq >= after and chain[head.seq] != head.hash:
            raise self.damaged(f"record {head.seq} of run {run_id} is not the one that was written")

    def damaged(self, what: str) -> Damaged:
        """The error that says so."""
        return Damaged(f"{self.where}: {what}", self.next_move)


def types(cells: Sequence[Any]) -> tuple[type, ...]:
    """What the cells are. SQLite and JSON give back what is there, not what should be."""
    return tuple(map(type, cells))
