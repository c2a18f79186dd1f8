"""The checkpoints of one run, a file each: `000041.json` is the state after record 41.

They are written aside and renamed, so that a name stands for a whole checkpoint. One that is damaged all
the same is renamed to `….damaged` when the next one is kept: readers change nothing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from fsm.engine.checkpoint import decode
from fsm.engine.ports import KEPT_CHECKPOINTS
from fsm.errors import StateUnavailable
from fsm.stores.files import examine, make_folder, open_file, sync, write_new

__all__ = ["FOLDER", "forget", "keep", "read", "set_aside"]

FOLDER: Final = "checkpoints"
_NAME: Final = re.compile(r"(\d{6}|[1-9]\d{6,})\.json")


def read(folder: Path) -> Iterator[tuple[int, bytes]]:
    """The checkpoints, newest first: the record that each follows, and its bytes."""
    return ((seq, _bytes(folder / _name(seq))) for seq in reversed(_kept(folder)))


def keep(folder: Path, seq: int, data: bytes) -> None:
    """Keep the checkpoint of record `seq`, and of the others the newest."""
    make_folder(folder)
    examine(folder, folder.lstat(), folder=True)
    draft = folder / f".{_name(seq)}.{os.urandom(4).hex()}"
    write_new(draft, data)
    try:
        draft.rename(folder / _name(seq))
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    for old in _kept(folder)[:-KEPT_CHECKPOINTS]:
        (folder / _name(old)).unlink(missing_ok=True)
    sync(folder)


def set_aside(folder: Path, last: int) -> None:
    """Rename the checkpoints that are damaged, or of a later record than the journal's `last`.

    What a dead owner left half written is removed.
    """
    for draft in folder.glob(".*"):
        draft.unlink(missing_ok=True)
    for seq, data in read(folder):
        try:
            if decode(data).seq == seq <= last:
                continue
        except ValueError:
            pass
        path = folder / _name(seq)
        path.rename(path.with_name(f"{path.name}.damaged"))


def forget(folder: Path) -> None:
    """Remove the checkpoints, and all that was set aside or left half written."""
    with suppress(FileNotFoundError):
        examine(folder, folder.lstat(), folder=True)
        for path in list(folder.iterdir()):
            path.unlink(missing_ok=True)
        sync(folder)


def _kept(folder: Path) -> list[int]:
    """The records that there is a checkpoint of, oldest first."""
    try:
        names = os.listdir(folder)  # noqa: PTH208 - only the names are asked for
    except FileNotFoundError:
        return []
    return sorted(int(match[1]) for name in names if (match := _NAME.fullmatch(name)))


def _bytes(path: Path) -> bytes:
    """What the file holds; nothing, which is no checkpoint, if it cannot be read."""
    try:
        fd = open_file(path, os.O_RDONLY)
    except (OSError, StateUnavailable):  # whatever stands there: a checkpoint is only a shortcut
        return b""
    with os.fdopen(fd, "rb") as file, suppress(OSError):
        return file.read()
    return b""


def _name(seq: int) -> str:
    return f"{seq:06}.json"
