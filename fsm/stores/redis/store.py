"""Runs on a Redis server, for runners on several machines. What its keys hold: `fsm.stores.redis.rows`.

A run is held by a lease that expires, as there is no lock that dies with a process on another machine; and
guarded by its epoch, which every append compares on the server, so that a holder whose lease ran out and
was taken cannot write (I20).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from fsm.engine.checkpoint import Checkpoint, whole
from fsm.engine.journal import Record
from fsm.engine.ports import FINAL_STATES, Approval, RunSummary, StoredRun
from fsm.errors import FsmError, Held
from fsm.run.events import Event
from fsm.stores import refusals
from fsm.stores.redis.heads import Heads
from fsm.stores.redis.holdings import Holdings, name_of
from fsm.stores.redis.journal import Lease, RedisJournal
from fsm.stores.redis.lease import Holder
from fsm.stores.redis.rows import (
    RUN_FIELDS,
    pack_approval,
    pack_records,
    pack_run,
    read_records,
    read_run,
    text,
)
from fsm.stores.redis.scripts import ACQUIRE, APPROVE, CREATE, REMOVE
from fsm.stores.redis.server import Server, newer
from fsm.stores.redis.url import Address
from fsm.stores.refusals import is_run_id
from fsm.stores.rows import ApprovalRow, RunRow, moment

__all__ = ["RedisStore"]


class RedisStore:
    """The store at `address`. `state` is this machine's folder, for evidence of what a server loses."""

    def __init__(self, address: Address, state: Path | None = None) -> None:
        self.address = address
        self._server = Server(address)
        folder = Path(".fsm").absolute() if state is None else state
        self._heads = Heads(folder / "redis-heads" / address.folder_name)
        self._holdings = Holdings(self._server, self._heads)

    def create(
        self,
        summary: RunSummary,
        document: bytes,
        events: Sequence[Event],
        *,
        approval: Approval | None = None,
        alongside: bool = False,
    ) -> RedisJournal:
        """A new run with its first events, held by the caller. See `Store`."""
        records = refusals.first_records(summary, document, events, approval)
        holder = Holder.new()
        row = self._insert(summary, document, records, alongside, approval, holder)
        return self._journal(row, holder)

    def acquire(self, run_id: str) -> RedisJournal:
        """Take the run's lease: a writer after its last record, in a new epoch. See `Store`."""
        holder, dead = Holder.new(), b""
        keys = self._keys("format", f"lease:{run_id}", f"run:{run_id}")
        lease = round(self.address.lease * 1000)
        with self._server.told(run_id):
            while True:
                row = self._holdings.row(run_id)
                taken = replace(row, epoch=row.epoch + 1)
                cells = (lease, row.checksum(), taken.epoch, taken.checksum())
                answer = self._server.write(ACQUIRE, keys, [holder.token, dead, *map(text, cells)])
                if answer == [b"ok"]:
                    return self._journal(taken, holder)
                dead = self._stale(run_id, answer) or dead

    def load(self, run_id: str, *, from_checkpoint: bool = False) -> StoredRun:
        """The run as it stands, and proved to be as it was written. See `Store`."""
        with self._server.told(run_id):
            head = self._holdings.head(run_id)  # before the rows: a writer may go on while we read
            if not is_run_id(run_id):
                raise self._holdings.missing(run_id, None)
            checkpoint, warnings = self._holdings.newest(run_id) if from_checkpoint else (None, [])
            after = checkpoint.seq if checkpoint else 0
            key = self.address.key
            cells, document, entries = self._holdings.read(
                ("HMGET", key("run", run_id), *RUN_FIELDS),
                ("GET", key("plan", run_id)),
                ("XRANGE", key("journal", run_id), f"{after + 1}-0", "+"),
            )
            row = read_run(cells, run_id, self.address.shown)
            if row is None:
                raise self._holdings.missing(run_id, head)
            records = read_records(entries, run_id, self.address.shown)
            self._holdings.integrity.verify(row, records, head, checkpoint)
            if document is None or sha256(document).hexdigest() != row.summary.digest:
                raise self._holdings.integrity.damaged(
                    f"the plan of run {run_id} is not as it was written"
                )
            return StoredRun(row.summary, document, records, checkpoint, warnings)

    def checkpoints(self, run_id: str) -> Sequence[Checkpoint]:
        """The run's checkpoints that are as they were written, oldest first. See `Store`."""
        with self._server.told(run_id):
            self._holdings.row(run_id)
            return whole(reversed([*self._holdings.kept(run_id)]))

    def adopt(self, stored: StoredRun, *, alongside: bool = False) -> None:
        """Take a run over from another store. See `Store`."""
        refusals.refuse_run_id(stored.summary.run_id)
        refusals.refuse_altered(stored)
        row = self._insert(stored.summary, stored.document, stored.records, alongside)
        head = self._heads.begin(stored.summary.run_id)
        head.note(row.seq, row.hash)
        head.close()

    def remove(self, run_id: str, *, damaged: bool = False) -> None:
        """Forget a run. See `Store`."""
        token, dead = Holder.new().token, b""
        names = ("runs", "removed", f"journal:{run_id}", f"plan:{run_id}", f"checkpoints:{run_id}")
        keys = self._keys("format", f"lease:{run_id}", f"run:{run_id}", *names)
        with self._server.told(run_id):
            while True:
                row = self._holdings.row(run_id)
                if not damaged:
                    refusals.refuse_unfinished(row.summary)
                cells = (dead, row.checksum(), run_id)
                answer = self._server.write(REMOVE, keys, [token, *map(text, cells)])
                if answer == [b"ok"]:
                    self._heads.forget(run_id)
                    return
                dead = self._stale(run_id, answer) or dead

    def holder(self, run_id: str) -> int | None:
        """The pid of the run's holder, 0 if it is not of this machine, `None` if the run is free."""
        if not is_run_id(run_id):
            return None
        with self._server.told(run_id):
            (token,) = self._holdings.read(("GET", self.address.key("lease", run_id)))
        if token is None:
            return None
        holder = Holder.read(token)
        if holder is None or not holder.is_here:
            return 0
        return None if holder.is_dead else holder.pid

    def runs(self) -> Sequence[RunSummary]:
        """Every run, newest first."""
        with self._server.told():
            acknowledged = self._heads.known()  # before the rows: a run may begin while we read
            listing = ("ZREVRANGE", self.address.key("runs"), 0, -1)
            names: list[bytes] = []
            again = [b""]
            while names != again:
                (names,) = self._holdings.read(listing)
                fields = [
                    ("HMGET", self.address.key("run", name_of(name)), *RUN_FIELDS) for name in names
                ]
                again, *cells = self._holdings.read(listing, *fields)
            rows = [
                self._holdings.there(
                    read_run(each, name_of(name), self.address.shown), name_of(name)
                )
                for name, each in zip(names, cells, strict=True)
            ]
            lost = acknowledged - {row.summary.run_id for row in rows}
            if lost:
                (removed,) = self._holdings.read(("SMEMBERS", self.address.key("removed")))
                lost -= {name_of(name) for name in removed}
            if lost:
                raise self._holdings.lost(min(lost), self._heads.read(min(lost)), 0)
            return tuple(row.summary for row in rows)

    def approve(self, approval: Approval) -> None:
        """Record an approval; durable when it returns."""
        with self._server.told(writing="the approval was"):
            row = ApprovalRow(self._server.next_number(), approval)
            keys = self._keys("format", f"approvals:{approval.digest}")
            name = Holder.new().nonce
            self._stale("", self._server.write(APPROVE, keys, [name, pack_approval(row)]))

    def approvals(self, digest: str) -> Sequence[Approval]:
        """The approvals of this digest that no run has used, oldest first."""
        with self._server.told():
            return tuple(
                row.approval for _, _, row in self._holdings.consents(digest) if not row.used_by
            )

    def close(self) -> None:
        """Close the connections."""
        self._server.close()

    def _keys(self, *names: str) -> list[str]:
        return [self.address.key(name) for name in names]

    # What is written.

    def _insert(
        self,
        summary: RunSummary,
        document: bytes,
        records: Sequence[Record],
        alongside: bool,
        approval: Approval | None = None,
        holder: Holder | None = None,
    ) -> RunRow:
        run_id = summary.run_id
        keys = self._keys("format", "runs", f"run:{run_id}", f"journal:{run_id}", f"plan:{run_id}")
        keys += self._keys(f"lease:{run_id}", f"checkpoints:{run_id}", "removed")
        keys += self._keys(f"approvals:{summary.digest}")
        *_, epoch = (1, *(record.epoch for record in records))
        seq, hash_ = (records[-1].seq, records[-1].hash) if records else (0, summary.digest)
        packed = pack_records(records)
        with self._server.told(writing=f"run {run_id} was"):
            row = RunRow(self._server.next_number(), summary, epoch, seq, hash_)
            token = holder.token if holder else b""
            lease = round(self.address.lease * 1000)
            final = f" {' '.join(sorted(FINAL_STATES))} "
            while True:
                consent = self._use_up(approval, run_id) if approval else (b"", b"", b"")
                cells = (lease, self.address.key("run", ""), final, "yes" if alongside else "")
                names = (run_id, row.number, summary.plan_id, bytes(document))
                arguments = [token, *map(text, (*cells, *names)), *consent, *pack_run(row)]
                answer = self._server.write(CREATE, keys, [*arguments, *packed])
                match answer:
                    case [b"ok"]:
                        return row
                    case [b"exists"]:
                        raise refusals.exists_already(run_id)
                    case [b"foreign"]:
                        raise self._holdings.integrity.damaged(
                            f"there are keys of run {run_id}, and no such run"
                        )
                    case [b"unfinished", other]:
                        self._refuse_beside(name_of(other))
                    case [b"used"]:
                        pass  # by somebody else, in this very moment: look again
                    case _:
                        self._stale(run_id, answer)

    def _refuse_beside(self, run_id: str) -> None:
        """Raises `Refused`, as that run is unfinished; unless it has ended or gone in this moment."""
        row = self._holdings.row(run_id)
        if row.summary.state not in FINAL_STATES:
            raise refusals.unfinished(row.summary)

    def _use_up(self, approval: Approval, run_id: str) -> tuple[bytes, bytes, bytes]:
        """The name of an unused approval that is equal, its text, and its text once the run used it."""
        wanted = replace(approval, at=moment(approval.at))
        equal = [
            each for each in self._holdings.consents(approval.digest) if each[2].approval == wanted
        ]
        unused = next((each for each in equal if not each[2].used_by), None)
        if unused is None:
            raise refusals.approval_gone(equal[-1][2].used_by if equal else "")
        name, before, row = unused
        return name, before, pack_approval(replace(row, used_by=run_id))

    def _journal(self, row: RunRow, holder: Holder) -> RedisJournal:
        run_id = row.summary.run_id
        head = self._heads.begin(run_id)
        head.note(row.seq, row.hash)
        return RedisJournal(self._server, row, Lease(self._server, run_id, holder, row.epoch), head)

    def _stale(self, run_id: str, answer: Sequence[Any]) -> bytes:
        """What to do about an answer that is no success: the token of a dead holder, or try again (empty).

        Raises `Held` if the holder lives or is elsewhere.
        """
        match answer:
            case [b"ok"] | [b"moved"]:
                return b""
            case [b"format", found]:
                raise newer(self.address.shown, found)
            case [b"held", bytes(token), int(left)]:
                holder = Holder.read(token)
                if holder is not None and holder.is_dead:
                    return token
                if holder is not None and holder.is_here:
                    raise Held(run_id, holder.pid)
                who = f"pid {holder.pid} on {holder.host}" if holder else "on another machine"
                ends = time.strftime("%H:%M:%S", time.localtime(time.time() + max(left, 0) / 1000))
                raise Held(run_id, 0, f"{who}; its lease ends at {ends} unless renewed")
            case _:
                raise FsmError(
                    f"the server answered {answer!r}", "please report this defect of fsm"
                )
