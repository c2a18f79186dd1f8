"""What the keys of a Redis store hold. Everything that comes back from the network is data: typed or refused.

P:format          the format of all this, a number
P:number          the last number that was given to a run or an approval
P:runs            sorted set: the runs, in the order of creation (clocks jump)
P:run:ID          hash: the run, its epoch and the head of its chain, with a checksum over all
P:journal:ID      stream: its records; entry SEQ-0 is record SEQ
P:plan:ID         the resolved plan's document
P:checkpoints:ID  hash: number of a record → the checkpoint that follows it, sealed by itself
P:lease:ID        who has the run, until this expires
P:removed         set: runs that were removed on purpose
P:approvals:DIGEST hash: id → one approval, with a checksum
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, Final

from fsm.engine.journal import Record
from fsm.errors import Damaged
from fsm.stores.rows import ApprovalRow, RunRow

__all__ = [
    "NEXT_MOVE",
    "RUN_FIELDS",
    "pack_approval",
    "pack_records",
    "pack_run",
    "read_approval",
    "read_records",
    "read_run",
    "text",
]

RUN_FIELDS: Final = (
    "number", "run_id", "plan_id", "plan_name", "digest", "created_at", "updated_at", "state", "epoch",
    "seq", "hash", "checksum",
)  # fmt: skip
_RUN_TYPES: Final = (int, str, str, str, str, float, float, str, int, int, str, str)
_RECORD_FIELDS: Final = (b"epoch", b"at", b"version", b"kind", b"data", b"hash")
_RECORD_TYPES: Final = (int, float, int, str, str, str)
NEXT_MOVE: Final = "nothing was changed; restore the server's data, or begin anew with --state"
"""What to do about damage on a server."""


def text(cell: object) -> bytes:
    """A cell as it is sent: numbers as Python writes them, which is how they are read again."""
    if isinstance(cell, bytes):
        return cell
    return (cell if isinstance(cell, str) else repr(cell)).encode(errors="surrogatepass")


def pack_run(row: RunRow) -> list[bytes]:
    """The fields of the run's hash, each with its name before it."""
    pairs = zip(RUN_FIELDS, row.cells(), strict=True)
    return [part for name, cell in pairs for part in (name.encode(), text(cell))]


def read_run(cells: Sequence[Any], run_id: str, where: str) -> RunRow | None:
    """The run of these fields, `None` if there are none. Raises `Damaged`."""
    if all(cell is None for cell in cells):
        return None
    try:
        values = [kind(_string(cell)) for kind, cell in zip(_RUN_TYPES, cells, strict=True)]
    except ValueError:
        raise _damaged(where, f"the entry of run {run_id} was altered") from None
    if values[1] != run_id:
        raise _damaged(where, f"the entry of run {run_id} was altered")
    return RunRow.read(values, where)


def pack_records(records: Iterable[Record]) -> list[bytes]:
    """The records as the scripts take them, seven arguments each."""
    return [text(cell) for record in records for cell in record]


def read_records(entries: Iterable[Any], run_id: str, where: str) -> list[Record]:
    """The records of a stream's entries, not verified but for their types. Raises `Damaged`."""
    records = []
    for place, cells in entries:
        number, _, rest = bytes(place).partition(b"-")
        seq = int(number)
        try:
            if rest != b"0" or tuple(cells[::2]) != _RECORD_FIELDS:
                raise ValueError
            pairs = zip(_RECORD_TYPES, cells[1::2], strict=True)
            records.append(Record(seq, *(kind(_string(cell)) for kind, cell in pairs)))
        except ValueError:
            raise _damaged(where, f"record {seq} of run {run_id} was altered") from None
    return records


def pack_approval(row: ApprovalRow) -> bytes:
    """The approval as one line of JSON, its checksum last."""
    return json.dumps(row.cells(), separators=(",", ":")).encode()


def read_approval(data: bytes, where: str) -> ApprovalRow:
    """The approval of that text. Raises `Damaged`."""
    try:
        cells = json.loads(data)
    except (ValueError, RecursionError):
        cells = None
    if not isinstance(cells, list) or not cells:
        raise _damaged(where, "an approval was altered")
    return ApprovalRow.read(cells, where)


def _string(cell: object) -> str:
    if not isinstance(cell, bytes):
        raise ValueError  # a field that is missing is altered data as any other
    return cell.decode(errors="surrogatepass")


def _damaged(where: str, what: str) -> Damaged:
    return Damaged(f"{where}: {what}", NEXT_MOVE)
