"""What a Redis server holds of runs and approvals, held against what this machine saw acknowledged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from fsm.engine.checkpoint import Checkpoint, newest
from fsm.errors import Damaged, Refused
from fsm.stores import refusals
from fsm.stores.lock import Head
from fsm.stores.redis.heads import Heads
from fsm.stores.redis.rows import (
    NEXT_MOVE,
    RUN_FIELDS,
    read_approval,
    read_records,
    read_run,
    text,
)
from fsm.stores.redis.scripts import VERSION
from fsm.stores.redis.server import Server, newer
from fsm.stores.refusals import is_run_id
from fsm.stores.rows import ApprovalRow, Integrity, RunRow

__all__ = ["Holdings", "name_of"]


class Holdings:
    """What the server holds, as this machine may trust it. Nothing here writes."""

    def __init__(self, server: Server, heads: Heads) -> None:
        self._heads = heads
        self.integrity = Integrity(
            server.address.shown,
            NEXT_MOVE,
            lambda row, head: self.lost(row.summary.run_id, head, row.seq),
        )
        self._server = server
        self._address = server.address

    def read(self, *commands: Sequence[object]) -> list[Any]:
        """The replies of one moment, of a format that is known here."""
        version, *replies = self._server.read(("GET", self._address.key("format")), *commands)
        if version not in (None, text(VERSION)):
            raise newer(self._address.shown, version)
        return replies

    def row(self, run_id: str) -> RunRow:
        """The run's row; no less of the journal than this machine saw acknowledged."""
        head = self.head(run_id)
        if not is_run_id(run_id):
            raise self.missing(run_id, None)
        (cells,) = self.read(("HMGET", self._address.key("run", run_id), *RUN_FIELDS))
        row = read_run(cells, run_id, self._address.shown)
        if row is None:
            raise self.missing(run_id, head)
        self.integrity.compare(row, head)
        return row

    def there(self, row: RunRow | None, run_id: str) -> RunRow:
        """The row of a run that is listed. Raises `Damaged` if there is none."""
        if row is None:
            raise self.integrity.damaged(f"run {run_id} is listed, and its entry is gone")
        return row

    def head(self, run_id: str) -> Head | None:
        """The last record of the run that this machine saw acknowledged."""
        return self._heads.read(run_id) if is_run_id(run_id) else None

    def missing(self, run_id: str, head: Head | None) -> Refused | Damaged:
        """There is no such run; or there was, as this machine remembers."""
        removed, names = self.read(
            ("SISMEMBER", self._address.key("removed"), text(run_id)),
            ("ZREVRANGE", self._address.key("runs"), 0, -1),
        )
        if head is not None and not removed:
            return self.lost(run_id, head, 0)
        return refusals.no_such_run(run_id, [name_of(name) for name in names], self._address.shown)

    def kept(self, run_id: str) -> Iterator[tuple[int, bytes]]:
        """The checkpoints, newest first: the record that each follows, and its bytes."""
        key = self._address.key("checkpoints", run_id)
        (names,) = self.read(("HKEYS", key))
        for seq in sorted((int(name) for name in names if name.isdigit()), reverse=True):
            (data,) = self.read(("HGET", key, seq))
            if data is not None:  # a newer one took its place meanwhile
                yield seq, data

    def newest(self, run_id: str) -> tuple[Checkpoint | None, list[str]]:
        """The newest checkpoint that belongs to the journal, and warnings. See `newest`."""
        key = self._address.key("journal", run_id)

        def hash_of(seq: int) -> str | None:
            (span,) = self.read(("XRANGE", key, f"{seq}-0", f"{seq}-0"))
            records = read_records(span, run_id, self._address.shown)
            return next((record.hash for record in records), None)

        return newest(run_id, self.kept(run_id), hash_of)

    def consents(self, digest: str) -> list[tuple[bytes, bytes, ApprovalRow]]:
        """The approvals of this digest, oldest first: its name, its text, and what that says."""
        (cells,) = self.read(("HGETALL", self._address.key("approvals", digest)))
        found = [
            (name, data, read_approval(data, self._address.shown))
            for name, data in zip(cells[::2], cells[1::2], strict=True)
        ]
        return sorted(found, key=lambda each: each[2].number)

    def lost(self, run_id: str, head: Head | None, found: int) -> Damaged:
        """The server has fewer records of the run than it acknowledged: so many are `found`."""
        where, path = self._address.shown, self._heads.path(run_id)
        up_to = f"up to number {head.seq}, and {found or 'none'} are there " if head else ""
        return Damaged(
            f"{where}: records of run {run_id} are lost: they were acknowledged {up_to}({path})",
            f"restore the server's data; or, to go on with what is left, remove {path}",
        )


def name_of(cell: bytes) -> str:
    """The name of a run, as the server has it."""
    return cell.decode(errors="replace")
