"""A journal file, read: from the beginning, from one record on, or its end alone.

What follows the last concluded batch, if it ends in the middle of a line, is *torn*: a write that was
never acknowledged. It is passed over here, and cut off by the next owner of the run. A complete line that
is not as it was written is damage.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

from fsm.engine.journal import Record, verify
from fsm.errors import Damaged
from fsm.stores.files import open_file
from fsm.stores.jsonl.lines import (
    FORMAT,
    Concluded,
    Header,
    read_concluded,
    read_header,
    read_record,
)
from fsm.stores.lock import Head
from fsm.stores.refusals import newer_format, without_run

__all__ = ["JOURNAL", "JournalFile", "Part"]

JOURNAL: Final = "journal.jsonl"
_WINDOW = 1 << 14
Found = TypeVar("Found")


class Part(NamedTuple):
    """What a journal holds from some line on.

    `records` are those of concluded batches, and `pending` those after them, whole and never acknowledged.
    `lines` are the concluding ones, each with the number of records before it. `end` is the byte after the
    last of these; there are `size` bytes.
    """

    records: list[Record]
    pending: list[Record]
    lines: list[tuple[int, Concluded]]
    end: int
    size: int

    @property
    def last(self) -> Concluded:
        """Where the run stands."""
        return self.lines[-1][1]


class _AlteredError(Exception):
    """The line that begins at byte `place` is not as it was written."""

    def __init__(self, place: int) -> None:
        self.place = place


class JournalFile:
    """An open journal and its header. Whoever reads holds no lock."""

    __slots__ = ("begin", "fd", "header", "path")

    def __init__(self, fd: int, path: Path, header: Header, begin: int) -> None:
        self.fd = fd
        self.path = path
        self.header = header
        self.begin = begin

    @classmethod
    @contextmanager
    def opened(cls, folder: Path, flags: int = os.O_RDONLY) -> Iterator[JournalFile]:
        """The journal in the run's folder, closed at the end; `dup` its `fd` to keep it.

        Raises `Damaged` if the header is not as it was written, `StateUnavailable` if it is newer.
        """
        path = folder / JOURNAL
        try:
            fd = open_file(path, flags)
        except FileNotFoundError:
            if not folder.is_dir():
                raise
            raise _damaged(path, "is missing") from None
        try:
            header, begin = _header(fd, path)
            if header.run_id != folder.name:
                raise _damaged(path, f"is the journal of run {header.run_id}")
            yield cls(fd, path, header, begin)
        finally:
            os.close(fd)

    def whole(self) -> Part:
        """All of it. Raises `Damaged`."""
        return self._settled(lambda: self.begin, self._part)

    def after(self, seq: int) -> tuple[str, Part] | None:
        """The hash of record `seq`, and what follows it; `None` if there is no such record. Raises `Damaged`.

        Reads backwards from the end, so that what it costs depends on what follows alone.
        """
        mark = b'\n{"seq":%d,' % seq

        def find(data: bytes, place: int) -> tuple[str, Part] | None:
            found = data.find(mark) + 1
            if not found:
                return None
            end = data.find(b"\n", found) + 1
            if not end:
                return None
            record = _read(data[found : end - 1], self.header.key, place + found)
            assert isinstance(record, Record)
            part = self._part(data[end:], place + end)
            return (record.hash, part) if part.lines else None

        for size in self._windows():
            answer = self._settled(lambda size=size: self._back(size), find)  # type: ignore[misc]
            if answer is not None:
                return answer
        return None

    def end(self) -> Part:
        """The last concluded line and what follows it. Raises `Damaged`."""

        def find(data: bytes, place: int) -> Part | None:
            found = data.rfind(b'\n{"line":', 0, data.rfind(b"\n") + 1) + 1
            return self._part(data[found:], place + found) if found else None

        for size in self._windows():
            part = self._settled(lambda size=size: self._back(size), find)  # type: ignore[misc]
            if part is not None:
                verify(self.header.run_id, part.pending, part.last.hash, part.last.seq)
                return part
        raise self._unfinished()

    def verify_lines(self, part: Part, after: int, previous: str) -> None:
        """Raises `Damaged` at a concluding line that does not fit the records and the lines before it.

        The records of the part follow record number `after`, whose hash is `previous`; `verify` did them.
        """
        place, first = part.lines[0]
        above = 1 if after == 0 else first.line - place - 1
        epoch = 0
        for number, (place, line) in enumerate(part.lines, above + 1):
            seq, hash_ = after, previous
            if place:
                seq, _, _, _, _, _, hash_ = record = part.records[place - 1]
                epoch = max(epoch, record.epoch)
            if (line.line, line.seq, line.hash) != (
                number + place,
                seq,
                hash_,
            ) or line.epoch < epoch:
                raise _damaged(self.path, f"has a line {line.line} that does not belong there")
            epoch = line.epoch

    def compare(self, part: Part, head: Head | None, lock: Path) -> None:
        """Raises `Damaged` if more was acknowledged than is there; less is a power cut (F16).

        The `head` in the file `lock` is a concluding line: its number and its seal.
        """
        if head is None or head.seq < part.lines[0][1].line:
            return
        if head.seq > part.last.line:
            raise Damaged(
                f"{self.path}: records of run {self.header.run_id} are lost: they were acknowledged up to "
                f"line {head.seq} ({lock})",
                f"restore the state from a backup; or, to go on with what is left, remove {lock}",
            )
        if all((line.line, line.seal) != head for _, line in part.lines):
            raise _damaged(self.path, f"has another line {head.seq} than was written")

    def _windows(self) -> Iterator[int]:
        """How many bytes to look at from the end: more and more, until it is the file."""
        for power in count():
            yield (size := _WINDOW << 2 * power)
            if size >= os.fstat(self.fd).st_size:
                return

    def _back(self, size: int) -> int:
        """The byte that is so far before the end, but the end of the header's line is always seen."""
        return max(self.begin - 1, os.fstat(self.fd).st_size - size)

    def _part(self, data: bytes, place: int) -> Part:
        begin, key = place, self.header.key
        records: list[Record] = []
        lines: list[tuple[int, Concluded]] = []
        end, concluded = place, 0
        *texts, fragment = data.split(b"\n")
        for text in texts:
            line = _read(text, key, place)
            place += len(text) + 1
            if isinstance(line, Record):
                records.append(line)
            else:
                lines.append((len(records), line))
                end, concluded = place, len(records)
        # No torn write leaves a line whole, and then another byte.
        if _is_whole(fragment[:-1], key):
            raise _AlteredError(place)
        if begin == self.begin and not lines:
            raise self._unfinished()
        return Part(records[:concluded], records[concluded:], lines, end, place + len(fragment))

    def _settled(self, begin: Callable[[], int], find: Callable[[bytes, int], Found]) -> Found:
        """What is found in the bytes from `begin` on.

        An owner may cut off a torn end and write on while we read, so that we get a mixture: damage is
        what is seen twice in the same bytes.
        """
        before = None
        while True:
            place = begin()
            data = _bytes(self.fd, place)
            try:
                return find(data, place)
            except _AlteredError as error:
                if data == before:
                    raise self._damaged(error.place) from None
                before = data

    def _damaged(self, place: int) -> Damaged:
        number = os.pread(self.fd, place, 0).count(b"\n") + 1
        run_id = self.header.run_id
        return Damaged(
            f"{self.path}:{number}: the line was altered (run {run_id})",
            without_run(self.path.parent),
        )

    def _unfinished(self) -> Damaged:
        return _damaged(self.path, "ends before anything was recorded")


def _read(line: bytes, key: str, place: int) -> Record | Concluded:
    try:
        return read_record(line) if line.startswith(b'{"seq"') else read_concluded(line, key)
    except ValueError:
        raise _AlteredError(place) from None


def _is_whole(line: bytes, key: str) -> bool:
    try:
        _read(line, key, 0)
    except _AlteredError:
        return False
    return True


def _header(fd: int, path: Path) -> tuple[Header, int]:
    data = _bytes(fd, 0, 4096)
    if b"\n" not in data:
        data = _bytes(fd, 0)
    line, newline, _ = data.partition(b"\n")
    if not data:
        raise _damaged(path, "is empty")
    try:
        if not newline:
            raise ValueError
        format_, header = read_header(line)
    except ValueError:
        raise _damaged(path, "does not begin as it was written") from None
    if header is None:
        raise newer_format(path, format_, FORMAT)
    return header, len(line) + 1


def _bytes(fd: int, place: int, most: int = 1 << 40) -> bytes:
    """The bytes of the file from `place` to its end, or as many."""
    chunks = []
    most = min(most, os.fstat(fd).st_size - place)
    while most > 0 and (chunk := os.pread(fd, most, place)):
        chunks.append(chunk)
        place += len(chunk)
        most -= len(chunk)
    return b"".join(chunks)


def _damaged(path: Path, what: str) -> Damaged:
    return Damaged(f"{path} {what} (run {path.parent.name})", without_run(path.parent))
