"""Records: events as they are stored, numbered, dated and chained by hashes.

The chain begins with the digest of the run's plan and runs through every record, so that a lost, altered
or foreign record, or a swapped plan, shows when the journal is read (F14, F15, I21).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from fsm.engine.versions import VERSION, bring_up
from fsm.errors import Damaged, StateUnavailable
from fsm.run.events import Event, decode, encode

if TYPE_CHECKING:
    from pydantic import JsonValue

__all__ = ["Record", "read", "seal", "to_text", "verify"]

_encoder = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, check_circular=False)


def _made_once() -> Callable[[object], str]:
    """What `_encoder.encode` does, but it makes the encoder in C anew at each call: half of what it takes."""
    make = getattr(json.encoder, "c_make_encoder", None)
    if make is None:
        return _encoder.encode
    quoted = json.encoder.encode_basestring
    pieces = make(None, _encoder.default, quoted, None, ":", ",", False, False, True)
    return lambda value: "".join(pieces(value, 0))


_to_json = _made_once()


class Record(NamedTuple):
    """One stored event. `seq` counts from 1 without a gap; `epoch` numbers the writer, never falling.

    `at` is in seconds since the epoch and only informs; `seq` is the order (F28). `version` says how `kind`
    and `data`, the event's fields as JSON text, are to be read; `hash` is 64 hex digits.
    """

    seq: int
    epoch: int
    at: float
    version: int
    kind: str
    data: str
    hash: str

    @property
    def event(self) -> Event:
        """The event itself. Raises `ValueError` if this version does not know it."""
        fields = json.loads(self.data)
        if self.version != VERSION:
            fields = bring_up(self.version, self.kind, fields)
        return decode(self.kind, fields)


def seal(
    events: Iterable[Event], *, after: int, previous: str, epoch: int, at: float
) -> list[Record]:
    """The records that follow record number `after`, whose hash is `previous`."""
    records = []
    for seq, event in enumerate(events, after + 1):
        kind, fields = encode(event)
        data = to_text(fields)
        previous = _hash(previous, seq, epoch, at, VERSION, kind, data)
        records.append(Record(seq, epoch, at, VERSION, kind, data, previous))
    return records


def verify(run_id: str, records: Sequence[Record], previous: str, after: int = 0) -> None:
    """Raises `Damaged` at the first record that is missing, altered or out of order.

    `records` follow number `after`, whose hash is `previous`: at the beginning the digest of the plan.
    """
    epoch = 0
    for expected, record in enumerate(records, after + 1):
        if record.seq != expected:
            raise _damaged(run_id, f"record {expected} is missing")
        if record.epoch < epoch:
            raise _damaged(run_id, f"record {expected} is of an older writer than the one before")
        seq, epoch_, at, version, kind, data, hash_ = record
        if hash_ != _hash(previous, seq, epoch_, at, version, kind, data):
            raise _damaged(run_id, f"record {expected} ({record.kind}) was altered")
        previous, epoch = hash_, record.epoch


def read(run_id: str, records: Iterable[Record]) -> Iterator[Event]:
    """The events. Raises `Damaged` for a record that cannot be read, `StateUnavailable` for a newer one."""
    for record in records:
        if record.version > VERSION:
            raise StateUnavailable(
                f"record {record.seq} of run {run_id} is of version {record.version}, written by a newer "
                f"fsm; this one knows version {VERSION}",
                "nothing was changed; use the fsm that wrote it",
            )
        try:
            yield record.event
        except ValueError as error:
            raise _damaged(run_id, f"record {record.seq} cannot be read: {error}") from None


def to_text(fields: Mapping[str, JsonValue]) -> str:
    """The JSON text of a mapping, as compact as it can be."""
    text = _to_json(fields)
    try:
        text.encode()
    except UnicodeEncodeError:  # a name or a reason that is no UTF-8: escaped, it survives
        return json.dumps(fields)
    return text


def _hash(
    previous: str, seq: int, epoch: int, at: float, version: int, kind: str, data: str
) -> str:
    of_version = "" if version == 1 else f"v{version} "
    text = f"{previous}\n{of_version}{seq} {epoch} {at!r} {kind}\n{data}"
    return sha256(text.encode()).hexdigest()


def _damaged(run_id: str, what: str) -> Damaged:
    return Damaged(
        f"the journal of run {run_id} is damaged: {what}",
        "nothing was changed; restore the state folder from a backup, or keep it and start anew "
        "with --state",
    )
