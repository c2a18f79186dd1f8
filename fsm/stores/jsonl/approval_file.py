"""Approvals, a line each in one file; each line is sealed together with the one before.

Which run used an approval stands in the header of that run's journal: so the run and the use come into
being at once. Before such a run is removed, a line says here that its approval stays used. The newest line
is noted beside the locks, so that an older copy of the file shows: with it an approval could serve twice.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from fsm.engine.ports import Approval
from fsm.errors import Damaged
from fsm.stores.files import append, cut_off, open_file, sync, write_new
from fsm.stores.jsonl.lines import FORMAT, sealed, sealed_by, unsealed
from fsm.stores.lock import Head, RunLock, read_head
from fsm.stores.refusals import NEXT_MOVE, newer_format

if TYPE_CHECKING:
    from pydantic import JsonValue

__all__ = ["Approvals", "Given"]

_LOCK: Final = ".approvals"  # names no run
_OPENING: Final = sealed({"fsm": "approvals", "format": FORMAT}, "") + "\n"


class Given(NamedTuple):
    """An approval, and the seal of its line, which names it."""

    approval: Approval
    seal: str


class Approvals:
    """The file, and the folder of the store's locks. Whoever adds has the store for himself meanwhile."""

    def __init__(self, path: Path, locks: Path) -> None:
        self.path = path
        self._locks = locks

    def read(self) -> tuple[list[Given], dict[str, str]]:
        """The approvals, oldest first, and by the seals of some the removed runs that used them.

        Raises `Damaged` if a line is not as it was written or is lost, `StateUnavailable` if it is of a newer
        format.
        """
        before = None
        head = read_head(self._locks, _LOCK)  # before the file: somebody may add while we read
        while True:
            data = self._bytes()
            try:
                lines = [] if data is None else [*self._lines(data)]
                self._compare(lines, head)
                break
            except Damaged:
                if data == before:  # else a torn line was being cut off while we read
                    raise
                before = data
        given: list[Given] = []
        used: dict[str, str] = {}
        for fields, seal in lines[1:]:
            if "used" in fields:
                used[fields["used"]] = fields["by"]
            else:
                given.append(Given(Approval(**fields), seal))
        return given, used

    def add(self, approval: Approval) -> None:
        """Record the approval; durable when it returns."""
        digest, by, at, how = approval.digest, approval.by, float(approval.at), approval.how
        self._add({"digest": digest, "by": by, "at": at, "how": how})

    def add_use(self, seal: str, run_id: str) -> None:
        """Record that the approval of that line was used by a run; durable when it returns."""
        self._add({"used": seal, "by": run_id})

    def _add(self, fields: Mapping[str, JsonValue]) -> None:
        lock = RunLock.take(self._locks, _LOCK)
        try:
            data = self._bytes()
            lines = [] if data is None else [*self._lines(data)]
            self._compare(lines, lock.head())
            if data is None:
                data, lines = self._begin(), [({}, sealed_by(_OPENING))]
            size = data.rfind(b"\n") + 1
            line = f"{sealed(fields, lines[-1][1])}\n"
            fd = open_file(self.path, os.O_RDWR | os.O_APPEND)
            try:
                if size < len(data):
                    cut_off(fd, self.path, size)
                append(fd, size, line.encode(), self.path)
            finally:
                os.close(fd)
            lock.note(len(lines) + 1, sealed_by(line))
        finally:
            lock.release()

    def _begin(self) -> bytes:
        data = _OPENING.encode()
        draft = self.path.with_name(f".{self.path.name}.{os.urandom(4).hex()}")
        write_new(draft, data)
        draft.rename(self.path)
        sync(self.path.parent)
        return data

    def _compare(self, lines: Sequence[tuple[dict[str, Any], str]], head: Head | None) -> None:
        """Raises `Damaged` if more was acknowledged than is there, or other; less is a power cut (F16)."""
        if head is None:
            return
        lock = self._locks / f"{_LOCK}.lock"
        if head.seq > len(lines):
            raise Damaged(
                f"{self.path}: approvals are lost: they were acknowledged up to line {head.seq} ({lock})",
                f"restore the file from a backup; or, to go on with what is left, remove {lock}",
            )
        if lines[head.seq - 1][1] != head.hash:
            raise Damaged(f"{self.path} has another line {head.seq} than was written", NEXT_MOVE)

    def _lines(self, data: bytes) -> Iterator[tuple[dict[str, Any], str]]:
        """The fields of each line and its seal, the opening first; what is torn is passed over."""
        key = ""
        *texts, fragment = data.split(b"\n")
        if not texts:
            raise Damaged(f"{self.path} {'is cut off' if data else 'is empty'}", NEXT_MOVE)
        for number, text in enumerate(texts, 1):
            try:
                fields, key = unsealed(text, key)
                if number == 1 and fields.get("fsm") != "approvals":
                    raise ValueError
            except ValueError:
                raise self._altered(number) from None
            if number == 1 and fields["format"] != FORMAT:
                raise newer_format(self.path, fields["format"], FORMAT)
            yield fields, key
        with suppress(ValueError):  # no torn write leaves a line whole, and then another byte
            unsealed(fragment[:-1], key)
            raise self._altered(len(texts) + 1)

    def _altered(self, number: int) -> Damaged:
        return Damaged(f"{self.path}:{number}: the line was altered", NEXT_MOVE)

    def _bytes(self) -> bytes | None:
        """What the file holds; `None` if there is none."""
        try:
            fd = open_file(self.path, os.O_RDONLY)
        except FileNotFoundError:
            return None
        with os.fdopen(fd, "rb") as file:
            return file.read()
