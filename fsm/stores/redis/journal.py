"""The writer of one run's journal on a Redis server."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Event as Flag
from threading import Thread
from typing import Any

from fsm.engine.journal import seal
from fsm.engine.ports import KEPT_CHECKPOINTS
from fsm.errors import Conflict, FsmError
from fsm.run.events import Event
from fsm.stores import refusals
from fsm.stores.redis.heads import HeadFile
from fsm.stores.redis.lease import Holder
from fsm.stores.redis.rows import pack_records, text
from fsm.stores.redis.scripts import APPEND, KEEP, RELEASE, RENEW
from fsm.stores.redis.server import FAULTS, Server, newer
from fsm.stores.rows import RunRow, moment, run_checksum, run_identity

__all__ = ["Lease", "RedisJournal"]


class Lease:
    """The run's lease, renewed at a third of its time by a thread of its own until `end`.

    It only keeps others from trying: what may be written, the epoch decides, never a clock (I20, F28).
    """

    def __init__(self, server: Server, run_id: str, holder: Holder, epoch: int) -> None:
        address = server.address
        self._server = server
        self._keys = (address.key("lease", run_id), address.key("run", run_id))
        self._arguments = (holder.token, round(address.lease * 1000), epoch)
        self._ended = Flag()
        Thread(target=self._renew, name=f"lease of {run_id}", daemon=True).start()

    def end(self) -> None:
        """Let the run go. A server that is not there lets it go by itself when the time is up."""
        if self._ended.is_set():
            return
        self._ended.set()
        try:
            self._server.write(RELEASE, self._keys[:1], self._arguments[:1], once=True)
        except (FsmError, *FAULTS):
            pass

    def _renew(self) -> None:
        while not self._ended.wait(self._server.address.lease / 3):
            try:
                answer = self._server.write(RENEW, self._keys, self._arguments, once=True)
            except (FsmError, *FAULTS):
                continue  # the next append says what is wrong
            if answer != [b"ok"]:
                return


class RedisJournal:
    """The right to write one run's journal: its lease, and where the journal ends."""

    __slots__ = (
        "_head",
        "_identity",
        "_keys",
        "_lease",
        "_server",
        "_writable",
        "epoch",
        "hash",
        "run_id",
        "seq",
    )

    def __init__(self, server: Server, row: RunRow, lease: Lease, head: HeadFile) -> None:
        self.run_id = row.summary.run_id
        self.epoch = row.epoch
        self.seq = row.seq
        self.hash = row.hash
        self._server = server
        self._lease = lease
        self._head = head
        self._identity = run_identity(row.number, row.summary)
        key, run_id = server.address.key, self.run_id
        self._keys = (key("format"), key("run", run_id), key("journal", run_id))
        self._writable = True

    def append(self, events: Sequence[Event], *, at: float, state: str) -> None:
        """Write the events, all or none; durable when it returns. See `Journal`.

        While the server is away it is waited for, and asked again: it does not write the same twice.
        """
        if not self._writable:
            raise refusals.closed(self.run_id)
        self._writable = False  # until this append is known to have gone well
        at = moment(at)
        records = seal(events, after=self.seq, previous=self.hash, epoch=self.epoch, at=at)
        seq, hash_ = (records[-1].seq, records[-1].hash) if records else (self.seq, self.hash)
        checksum = run_checksum(self._identity, at, state, self.epoch, seq, hash_)
        cells = (self.epoch, self.seq, self.hash, at, state, seq, hash_, checksum)
        with self._server.told(self.run_id, writing="the last events were"):
            answer = self._server.write(
                APPEND, self._keys, [*map(text, cells), *pack_records(records)]
            )
        self._refuse(answer)
        self.seq, self.hash = seq, hash_
        self._head.note(seq, hash_)
        self._writable = True

    def keep(self, checkpoint: bytes) -> None:
        """Keep this snapshot of the state after the last record. See `Journal`."""
        key = self._server.address.key("checkpoints", self.run_id)
        self._aside((self.epoch, self.seq, checkpoint, KEPT_CHECKPOINTS), key)

    def forget_checkpoints(self) -> None:
        """Remove the run's checkpoints. See `Journal`."""
        key = self._server.address.key("checkpoints", self.run_id)
        self._aside((self.epoch, self.seq, b"", 0), key)

    def close(self) -> None:
        """Let the run go. May be called again."""
        self._writable = False
        self._lease.end()
        self._head.close()

    def _aside(self, cells: Sequence[object], key: str) -> None:
        """A write beside the journal's own, tried once: if it fails, the journal goes on."""
        if not self._writable:
            raise refusals.closed(self.run_id)
        with self._server.told(self.run_id):
            keys = (*self._keys[:2], key)
            answer = self._server.write(KEEP, keys, [*map(text, cells)], once=True)
        self._refuse(answer)

    def _refuse(self, answer: Sequence[Any]) -> None:
        """Raises `Conflict` or another `StateUnavailable` unless the answer is that all went well."""
        match answer:
            case [b"ok"]:
                return
            case [b"format", found]:
                raise newer(self._server.address.shown, found)
            case [b"moved", epoch, seq]:
                raise self._conflict(_number(epoch), _number(seq))
            case _:
                raise FsmError(
                    f"the server answered {answer!r}", "please report this defect of fsm"
                )

    def _conflict(self, epoch: int, seq: int) -> Conflict:
        if not epoch or epoch > self.epoch or (epoch == self.epoch and seq >= self.seq):
            return refusals.conflict(self.run_id, self.epoch, epoch or None)
        return Conflict(
            f"{self._server.address.shown}: the server has lost records that it acknowledged: the journal "
            f"of run {self.run_id} is expected to end at record {self.seq}, and ends at {seq}",
            "nothing more was recorded or started; restore the server's data (a failover? a disk?), then: "
            f"fsm status {self.run_id}",
        )


def _number(cell: bytes) -> int:
    """The number that the server has there, 0 if there is none."""
    return int(cell) if cell.isdigit() and len(cell) < 20 else 0
