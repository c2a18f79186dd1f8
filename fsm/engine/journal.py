"""Records: events as they are stored, numbered, dated and chained by hashes.

The chain begins with the digest of the run's plan and runs through every record, so that a lost, altered
or foreign record, or a swapped plan, shows when the journal is read (F14, F15, I21).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from pydantic_core import to_json

from fsm.errors import Damaged
from fsm.run.events import Event, decode, encode

if TYPE_CHECKING:
    from pydantic import JsonValue

__all__ = ["Record", "read", "seal", "verify"]


class Record(NamedTuple):
    """One stored event. `seq` counts from 1 without a gap; `epoch` numbers the writer, never falling.

    `at` is in seconds since the epoch and only informs; `seq` is the order (F28). `data` is the event's
    fields as JSON text; `hash` is 64 hex digits.
    """

    seq: int
    epoch: int
    at: float
    kind: str
    data: str
    hash: str

    @property
    def event(self) -> Event:
        """The event itself. Raises `ValueError` if this version does not know it."""
        return decode(self.kind, json.loads(self.data))


def seal(
    events: Iterable[Event], *, after: int, previous: str, epoch: int, at: float
) -> list[Record]:
    """The records that follow record number `after`, whose hash is `previous`."""
    records = []
    for seq, event in enumerate(events, after + 1):
        kind, fields = encode(event)
        data = _to_text(fields)
        previous = _hash(previous, seq, epoch, at, kind, data)
        records.append(Record(seq, epoch, at, kind, data, previous))
    return records


def verify(run_id: str, records: Sequence[Record], digest: str) -> None:
    """Raises `Damaged` at the first record that is missing, altered or out of order."""
    previous, epoch = digest, 0
    for expected, record in enumerate(records, 1):
        if record.seq != expected:
            raise _damaged(run_id, f"record {expected} is missing")
        if record.epoch < epoch:
            raise _damaged(run_id, f"record {expected} is of an older writer than the one before")
        if record.hash != _hash(
            previous, record.seq, record.epoch, record.at, record.kind, record.data
        ):
            raise _damaged(run_id, f"record {expected} ({record.kind}) was altered")
        previous, epoch = record.hash, record.epoch


def read(run_id: str, records: Iterable[Record]) -> Iterator[Event]:
    """The records' events. Raises `Damaged` for one that this version cannot read."""
    for record in records:
        try:
            yield record.event
        except ValueError as error:
            raise _damaged(run_id, f"record {record.seq} cannot be read: {error}") from None


def _to_text(fields: Mapping[str, JsonValue]) -> str:
    try:
        return to_json(fields).decode()
    except ValueError:  # a name or a reason that is no UTF-8: escaped, it survives
        return json.dumps(fields)


def _hash(previous: str, seq: int, epoch: int, at: float, kind: str, data: str) -> str:
    return sha256(f"{previous}\n{seq} {epoch} {at!r} {kind}\n{data}".encode()).hexdigest()


def _damaged(run_id: str, what: str) -> Damaged:
    return Damaged(
        f"the journal of run {run_id} is damaged: {what}",
        "nothing was changed; restore the state folder from a backup, or keep it and start anew "
        "with --state",
    )
