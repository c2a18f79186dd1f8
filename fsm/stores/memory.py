"""Runs in this process's memory: gone with it, and otherwise as every other store."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from threading import RLock

from fsm.engine.checkpoint import Checkpoint, newest, whole
from fsm.engine.journal import Record, seal, verify
from fsm.engine.ports import KEPT_CHECKPOINTS, Approval, RunSummary, StoredRun
from fsm.errors import Damaged, Held
from fsm.run.events import Event
from fsm.stores import refusals

__all__ = ["MemoryJournal", "MemoryStore"]


@dataclass(slots=True, eq=False)
class _Run:
    summary: RunSummary
    document: bytes
    records: list[Record]
    hash: str
    epoch: int = 1
    owner: MemoryJournal | None = None
    checkpoints: dict[int, bytes] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class _Consent:
    approval: Approval
    used_by: str = ""


class MemoryJournal:
    """The right to write one run's journal in memory."""

    __slots__ = ("_lock", "_run", "_writable", "epoch", "hash", "run_id", "seq")

    def __init__(self, run: _Run, lock: RLock) -> None:
        self.run_id = run.summary.run_id
        self.epoch = run.epoch
        self._run = run
        self._lock = lock
        self.seq = len(run.records)
        self.hash = run.hash
        self._writable = True

    def append(self, events: Sequence[Event], *, at: float, state: str) -> None:
        """Write the events, all or none. See `Journal`."""
        if not self._writable:
            raise refusals.closed(self.run_id)
        self._writable = False  # until this append is known to have gone well
        at = float(at)
        records = seal(events, after=self.seq, previous=self.hash, epoch=self.epoch, at=at)
        run = self._run
        with self._lock:
            if not self._in_place():
                raise refusals.conflict(self.run_id, self.epoch, run.epoch)
            run.records += records
            run.hash = records[-1].hash if records else run.hash
            run.summary = replace(run.summary, state=state, updated_at=at)
        self.seq += len(records)
        self.hash = run.hash
        self._writable = True

    def keep(self, checkpoint: bytes) -> None:
        """Keep this snapshot of the state after the last record. See `Journal`."""
        if not self._writable:
            raise refusals.closed(self.run_id)
        kept = self._run.checkpoints
        kept[self.seq] = checkpoint
        for seq in sorted(kept)[:-KEPT_CHECKPOINTS]:
            del kept[seq]

    def forget_checkpoints(self) -> None:
        """Remove the run's checkpoints."""
        self._run.checkpoints.clear()

    def close(self) -> None:
        """Let the run go. May be called again."""
        self._writable = False
        with self._lock:
            if self._run.owner is self:
                self._run.owner = None

    def _in_place(self) -> bool:
        """Whether the journal is where this writer left it, and no newer epoch exists (I20)."""
        run = self._run
        return (run.epoch, len(run.records), run.hash) == (self.epoch, self.seq, self.hash)


class MemoryStore:
    """A store that lives as long as this object. Threads may share it. See `Store`."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._runs: dict[str, _Run] = {}
        self._consents: list[_Consent] = []

    def create(
        self,
        summary: RunSummary,
        document: bytes,
        events: Sequence[Event],
        *,
        approval: Approval | None = None,
        alongside: bool = False,
    ) -> MemoryJournal:
        """A new run with its first events, held by the caller. See `Store`."""
        records = refusals.first_records(summary, document, events, approval)
        with self._lock:
            self._refuse_beside(summary, alongside)
            if approval is not None:
                self._use_up(approval, summary.run_id)
            head = records[-1].hash if records else summary.digest
            run = self._runs[summary.run_id] = _Run(summary, bytes(document), records, head)
            run.owner = MemoryJournal(run, self._lock)
            return run.owner

    def acquire(self, run_id: str) -> MemoryJournal:
        """Take the run: a writer after its last record, in a new epoch. See `Store`."""
        with self._lock:
            run = self._run(run_id)
            if run.owner is not None:
                raise Held(run_id, os.getpid())
            run.epoch += 1
            run.owner = MemoryJournal(run, self._lock)
            return run.owner

    def load(self, run_id: str, *, from_checkpoint: bool = False) -> StoredRun:
        """The run as it stands, and proved to be as it was written. See `Store`."""
        with self._lock:
            run = self._run(run_id)
            stored = StoredRun(run.summary, run.document, tuple(run.records))
            head = run.hash
            kept = sorted(run.checkpoints.items(), reverse=True) if from_checkpoint else []
        _verify_end(stored, head)
        if sha256(stored.document).hexdigest() != stored.summary.digest:
            raise _damaged(f"the plan of run {run_id} is not as it was written")
        hashes = {record.seq: record.hash for record in stored.records}
        checkpoint, warnings = newest(run_id, kept, hashes.get)
        after, previous = (
            (checkpoint.seq, checkpoint.hash) if checkpoint else (0, stored.summary.digest)
        )
        records = stored.records[after:]
        verify(run_id, records, previous, after)
        return replace(stored, records=records, checkpoint=checkpoint, warnings=warnings)

    def checkpoints(self, run_id: str) -> Sequence[Checkpoint]:
        """The run's checkpoints that are as they were written, oldest first."""
        with self._lock:
            return whole(sorted(self._run(run_id).checkpoints.items()))

    def adopt(self, stored: StoredRun, *, alongside: bool = False) -> None:
        """Take a run over from another store. See `Store`."""
        summary, records = stored.summary, list(stored.records)
        refusals.refuse_run_id(summary.run_id)
        refusals.refuse_altered(stored)
        head, epoch = (records[-1].hash, records[-1].epoch) if records else (summary.digest, 1)
        with self._lock:
            self._refuse_beside(summary, alongside)
            self._runs[summary.run_id] = _Run(summary, stored.document, records, head, epoch)

    def remove(self, run_id: str, *, damaged: bool = False) -> None:
        """Forget a run. See `Store`."""
        with self._lock:
            run = self._run(run_id)
            if run.owner is not None:
                raise Held(run_id, os.getpid())
            if not damaged:
                refusals.refuse_unfinished(run.summary)
            del self._runs[run_id]

    def holder(self, run_id: str) -> int | None:
        """This process's pid if a journal of the run is open, else `None`."""
        with self._lock:
            run = self._runs.get(run_id)
            return os.getpid() if run is not None and run.owner is not None else None

    def runs(self) -> Sequence[RunSummary]:
        """Every run, newest first."""
        with self._lock:
            return tuple(run.summary for run in reversed(self._runs.values()))

    def approve(self, approval: Approval) -> None:
        """Record an approval."""
        with self._lock:
            self._consents.append(_Consent(approval))

    def approvals(self, digest: str) -> Sequence[Approval]:
        """The approvals of this digest that no run has used, oldest first."""
        with self._lock:
            return tuple(
                consent.approval
                for consent in self._consents
                if consent.approval.digest == digest and not consent.used_by
            )

    def close(self) -> None:
        """The runs stay: the store is its own disk."""

    def _run(self, run_id: str) -> _Run:
        run = self._runs.get(run_id)
        if run is None:
            raise refusals.no_such_run(run_id, list(reversed(self._runs)), "memory")
        return run

    def _refuse_beside(self, summary: RunSummary, alongside: bool) -> None:
        others = [run.summary for run in reversed(self._runs.values())]
        refusals.refuse_beside(summary, others, alongside=alongside)

    def _use_up(self, approval: Approval, run_id: str) -> None:
        same = [consent for consent in self._consents if consent.approval == approval]
        unused = next((consent for consent in same if not consent.used_by), None)
        if unused is None:
            raise refusals.approval_gone(same[-1].used_by if same else "")
        unused.used_by = run_id


def _verify_end(stored: StoredRun, head: str) -> None:
    last = stored.records[-1].hash if stored.records else stored.summary.digest
    if last != head:
        raise _damaged(f"the journal of run {stored.summary.run_id} does not end as it was written")


def _damaged(what: str) -> Damaged:
    return Damaged(what, "it was altered in this process's memory: a defect; please report it")
