"""Runs as files: one JSON document that carries a run from one store to another, its journal intact.

    {"fsm_export":1,
    "run":{"run_id":…,"plan_id":…,"plan_name":…,"digest":…,"state":…,"created_at":…,"updated_at":…},
    "plan":"the resolved plan's document",
    "records":[
    [seq,epoch,at,version,kind,data,hash],
    …
    ],
    "sha256":"…"}

The last line seals all before it, byte for byte. What steps printed does not travel.
`tests/app/samples` has a file of each version.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from fsm.engine.journal import Record
from fsm.engine.ports import FINAL_STATES, RunSummary, StoredRun
from fsm.errors import Damaged, Invalid, Problem, Refused, StateUnavailable

if TYPE_CHECKING:
    from fsm.app.survivors import Survivors
    from fsm.app.workspace import Workspace
    from fsm.run import Run

__all__ = ["VERSION", "decode", "encode", "export_run", "import_run", "move_run"]

VERSION: Final = 1
_MOST_BYTES: Final = 256 << 20
_BEGINNING: Final = re.compile(rb'\{"fsm_export":([0-9]{1,9}),\n')
_SEAL: Final = ',\n"sha256":"'
_SEAL_LENGTH: Final = len(_SEAL) + 64 + len('"}\n')
_AGAIN: Final = "nothing was changed; export the run again"


def encode(stored: StoredRun) -> bytes:
    """The file of a whole run, one whose records begin with the first."""
    records = ",\n".join(map(json.dumps, stored.records))
    run = asdict(stored.summary)
    run |= {name: float(run[name]) for name in ("created_at", "updated_at")}
    text = (
        f'{{"fsm_export":{VERSION},\n"run":{json.dumps(run)},\n'
        f'"plan":{json.dumps(stored.document.decode())},\n"records":[\n{records}\n]'
    )
    return f'{text}{_SEAL}{_checksum(text)}"}}\n'.encode()


def decode(data: bytes, name: str) -> StoredRun:
    """The run in a file of that name, as it was sealed; its chain is not verified yet.

    Raises `Invalid` if it is no export, `StateUnavailable` if a newer fsm wrote it, and `Damaged`.
    """
    beginning = _BEGINNING.match(data)
    if beginning is None:
        raise _foreign(name)
    if (version := int(beginning[1])) != VERSION:
        raise StateUnavailable(
            f"{name} is an export of version {version}; this fsm knows version {VERSION}",
            "nothing was changed; use the fsm that wrote it",
        )
    text = data.decode("ascii", "replace")
    body, seal = text[:-_SEAL_LENGTH], text[-_SEAL_LENGTH:]
    if seal != f'{_SEAL}{_checksum(body)}"}}\n':
        raise Damaged(f"{name} was cut short or altered after it was written", _AGAIN)
    try:
        told = json.loads(text)
        summary = RunSummary(**_typed(told["run"], _SUMMARY))
        return StoredRun(summary, told["plan"].encode(), [_record(r) for r in told["records"]])
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise Damaged(f"{name} does not hold what an export of a run holds", _AGAIN) from None


def export_run(workspace: Workspace, run_id: str, target: str) -> StoredRun:
    """Copy a finished run into a new file, for its owner alone; `-` is stdout. What was copied.

    Raises `Refused` if the run is unfinished: then two places could go on with it.
    """
    stored = workspace.store.load(run_id)
    if stored.summary.state not in FINAL_STATES:
        raise Refused(
            f"run {run_id} is {stored.summary.state}: with a copy, two places could go on with it",
            f"to end it here and let the copy go on: fsm export {run_id} --move",
        )
    _write(target, encode(stored))
    return stored


def move_run(
    workspace: Workspace, run_id: str, target: str, survivors: Survivors = "refuse"
) -> StoredRun:
    """Write an unfinished run into a new file and give it up here, held all the while. What was written.

    The file has the journal as it was before, and is durable before the run is given up: killed between
    the two, it is in both places. Raises as `take_up` does, and `Refused` if the run has ended or cannot be
    given up now.
    """
    from fsm.app.session import take_up
    from fsm.run import events as on

    with take_up(workspace, run_id, lambda *_: None, survivors=survivors) as session:
        if session.found in FINAL_STATES:
            raise Refused(
                f"run {run_id} is {session.found}: there is nothing to go on with elsewhere",
                f"to copy it: fsm export {run_id}",
            )
        stored = workspace.store.load(run_id)
        reason = f"moved to {Path(target).absolute()}"
        session.request(on.RunAborted(by=session.person, reason=reason))
        _write(target, encode(stored))
        session.drive()
    return stored


def import_run(
    workspace: Workspace, source: str, *, alongside: bool = False
) -> tuple[StoredRun, Run]:
    """Take the run in a file over into this store; `-` is stdin. What was taken over.

    Its journal is verified, and replayed through the tables. Raises what `decode` does, `Damaged` if the
    journal breaks a rule or leads elsewhere than the file says, and `Refused` as `Store.adopt` does.
    """
    from fsm.engine.recovery import origin, refold
    from fsm.stores.refusals import refuse_altered

    name = "what stdin gives" if source == "-" else source
    stored = decode(_read(source, name), name)
    told = stored.summary
    try:
        refuse_altered(stored)
        run = refold(stored)
        origin(run)
    except Damaged as error:
        raise Damaged(f"{name}: {error.message}", _AGAIN) from None
    if (run.plan.id, run.plan.name, run.state) != (told.plan_id, told.plan_name, told.state):
        raise Damaged(f"{name}: its journal does not lead to what it says of the run", _AGAIN)
    workspace.store.adopt(stored, alongside=alongside)
    return stored, run


def _write(target: str, data: bytes) -> None:
    """Durable when it returns; nothing is overwritten, and half a file is left only by a kill -9."""
    if target == "-":
        try:
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
        except OSError as error:
            raise _unwritable("stdout", error) from None
        return
    path = Path(target)
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        raise Refused(
            f"there is a {target} already; it is not overwritten", "name another file with -o FILE"
        ) from None
    except (OSError, ValueError) as error:
        raise _unwritable(target, error) from None
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(fd)
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except BaseException as error:
        path.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise _unwritable(target, error) from None
        raise


def _read(source: str, name: str) -> bytes:
    """All bytes of a file that begins as an export does; of another no more than its beginning."""
    from fsm.document import refuse_no_file

    try:
        if source != "-":
            refuse_no_file(source)
        with sys.stdin.buffer if source == "-" else Path(source).open("rb") as file:
            data = file.read(64)
            if not _BEGINNING.match(data):
                raise _foreign(name)
            data += file.read(_MOST_BYTES - len(data) + 1)
    except (OSError, ValueError) as error:
        hint = "name a file that fsm export wrote"
        raise Invalid([Problem(f"cannot read {name}: {_words(error)}", hint)]) from None
    if len(data) > _MOST_BYTES:
        raise Invalid([Problem(f"{name} is larger than {_MOST_BYTES >> 20} MiB")])
    return data


_SUMMARY: Mapping[str, type] = {
    "run_id": str,
    "plan_id": str,
    "plan_name": str,
    "digest": str,
    "state": str,
    "created_at": float,
    "updated_at": float,
}
_RECORD: Mapping[str, type] = {
    "seq": int,
    "epoch": int,
    "at": float,
    "version": int,
    "kind": str,
    "data": str,
    "hash": str,
}
_YEAR_9999: Final = 253_370_764_800.0


def _record(cells: Any) -> Record:
    return Record(**_typed(dict(zip(_RECORD, cells, strict=True)), _RECORD))


def _typed(values: Mapping[str, Any], types: Mapping[str, type]) -> dict[str, Any]:
    """The values, if they are of just these names and types; times before 9999. Raises `ValueError`."""
    if {name: type(value) for name, value in values.items()} != types:
        raise ValueError("other names or types")
    if not all(0 <= values[name] < _YEAR_9999 for name in types if types[name] is float):
        raise ValueError("a time that no calendar has")
    return dict(values)


def _checksum(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def _foreign(name: str) -> Invalid:
    return Invalid([Problem(f"{name} is no export of fsm", "make one with: fsm export RUN")])


def _unwritable(target: str, error: Exception) -> Invalid:
    return Invalid(
        [Problem(f"cannot write {target}: {_words(error)}", "name another file with -o")]
    )


def _words(error: Exception) -> str:
    return (isinstance(error, OSError) and error.strerror) or str(error)
