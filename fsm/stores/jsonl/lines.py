"""The lines of the JSON files: how each is written, and how it shows that it is as it was written.

A journal begins with a header and goes on with batches, one for each append. A batch is the lines of its
records, which `fsm.engine.journal` chains, and one line that concludes it and tells where the run stands
then; records that no such line follows were never acknowledged:

    {"fsm":"journal","format":1,"number":1,"run_id":"…",…,"sha256":"…"}
    {"seq":1,"epoch":1,"at":1763700001.5,"version":2,"kind":"RunCreated","data":{…},"hash":"…"}
    {"line":3,"epoch":1,"at":1763700001.5,"state":"pending","seq":1,"hash":"…","sha256":"…"}

A seal (`sha256`) is over the key and the line's text before it. The key of a header is empty, in whatever
format, that of other lines is the header's seal; of approvals it is the seal of the line before.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from hashlib import sha256
from json.encoder import encode_basestring_ascii as _quoted
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from fsm.engine.journal import Record, to_text
from fsm.engine.ports import RunSummary

if TYPE_CHECKING:
    from pydantic import JsonValue

__all__ = [
    "FORMAT",
    "Concluded",
    "Header",
    "concluded_line",
    "header_line",
    "read_concluded",
    "read_header",
    "read_record",
    "record_line",
    "sealed",
    "sealed_by",
    "unsealed",
]

FORMAT: Final = 1

_SEAL: Final = re.compile(rb',"sha256":"([0-9a-f]{64})"\}')
_SEAL_LENGTH: Final = len(',"sha256":""}') + 64
_TEXT: Final = rb'"(?:[^"\\]|\\.)*"'
_RECORD: Final = re.compile(
    rb'\{"seq":(\d+),"epoch":(\d+),"at":([^,]+),"version":(\d+),"kind":(%b),"data":(\{.*\}|%b)'
    rb',"hash":"([0-9a-f]{64})"\}' % (_TEXT, _TEXT)
)


class Header(NamedTuple):
    """The first line of a journal: what never changes of a run.

    `number` is the order of creation, as clocks jump; `approval` is the seal of the approval that the run
    used, if it used one. `key` is the header's own seal.
    """

    number: int
    run_id: str
    plan_id: str
    plan_name: str
    digest: str
    created_at: float
    approval: str
    key: str = ""

    def summary(self, concluded: Concluded) -> RunSummary:
        """The run as the index tells it."""
        _, run_id, plan_id, plan_name, digest, created_at, *_ = self
        state, at = concluded.state, concluded.at
        return RunSummary(run_id, plan_id, plan_name, digest, state, created_at, at)


class Concluded(NamedTuple):
    """The line that concludes a batch, number `line` of the file from 1: where the run stands.

    `seq` and `hash` are of its last record, `epoch` is of the newest writer; `seal` is the line's own.
    """

    line: int
    epoch: int
    at: float
    state: str
    seq: int
    hash: str
    seal: str = ""


def header_line(header: Header) -> str:
    """The line, without its end."""
    fields = header._asdict()
    del fields["key"]
    return sealed({"fsm": "journal", "format": FORMAT, **fields}, "")


def read_header(line: bytes) -> tuple[int, Header | None]:
    """The format of the journal that begins so; and the header if that is ours. Raises `ValueError`."""
    fields, key = unsealed(line, "")
    format_ = cast("int", fields.pop("format"))
    if fields.pop("fsm") != "journal":
        raise ValueError("it is no journal")
    return format_, Header(**fields, key=key) if format_ == FORMAT else None


def record_line(record: Record) -> str:
    """The line, without its end. `data` stands in it to the letter: as an object, else as a text."""
    seq, epoch, at, version, kind, data, hash_ = record
    is_object = data.startswith("{") and data.endswith("}")
    if not is_object or "\n" in data:  # written by another store
        data = _quoted(data)
    return (
        f'{{"seq":{seq},"epoch":{epoch},"at":{at!r},"version":{version},"kind":{_quoted(kind)},'
        f'"data":{data},"hash":"{hash_}"}}'
    )


def read_record(line: bytes) -> Record:
    """The record, its hash not verified yet. Raises `ValueError` if nothing that we write looks so."""
    match = _RECORD.fullmatch(line)
    if match is None:
        raise ValueError
    seq, epoch, at, version, kind, data, hash_ = match.groups()
    text = data.decode() if data.startswith(b"{") else json.loads(data)
    record = Record(
        int(seq), int(epoch), float(at), int(version), json.loads(kind), text, hash_.decode()
    )
    if record_line(record).encode() != line:  # `1001. ` is the number 1001.0 too
        raise ValueError
    return record


def concluded_line(concluded: Concluded, key: str) -> str:
    """The line, without its end."""
    fields = concluded._asdict()
    del fields["seal"]
    return sealed(fields, key)


def read_concluded(line: bytes, key: str) -> Concluded:
    """The line that concludes a batch. Raises `ValueError` if it is not as it was written."""
    fields, seal = unsealed(line, key)
    return Concluded(**fields, seal=seal)


def sealed(fields: Mapping[str, JsonValue], key: str) -> str:
    """The fields as one line of JSON without its end, the seal last."""
    text = to_text(fields)[:-1]
    return f'{text},"sha256":"{_seal(text.encode(), key)}"}}'


def sealed_by(text: str) -> str:
    """The seal of the last line of `text`, which ends with that line's end."""
    return text[-67:-3]


def unsealed(line: bytes, key: str) -> tuple[dict[str, Any], str]:
    """The fields of such a line, and its seal. Raises `ValueError` if it was sealed otherwise."""
    text, match = line[:-_SEAL_LENGTH], _SEAL.fullmatch(line[-_SEAL_LENGTH:])
    if match is None or _seal(text, key) != (seal := match[1].decode()):
        raise ValueError
    return json.loads(text + b"}"), seal


def _seal(text: bytes, key: str) -> str:
    return sha256(key.encode() + text).hexdigest()
