"""The writer of one run's journal in a file of JSON lines."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from fsm.engine.journal import Record, seal
from fsm.errors import Conflict, StateUnavailable
from fsm.run.events import Event
from fsm.stores import refusals
from fsm.stores.files import append, cut_off, unavailable
from fsm.stores.jsonl import checkpoint_files
from fsm.stores.jsonl.journal_file import JournalFile
from fsm.stores.jsonl.lines import Concluded, concluded_line, record_line, sealed_by
from fsm.stores.lock import RunLock

__all__ = ["JsonJournal", "batch", "locked"]

BUSY_SECONDS = 10.0


class JsonJournal:
    """The right to write one run's journal: its lock, the open file, and where the journal ends.

    Beside the run's lock, which its owner has for good, each write takes the file's own for a moment: so a
    former owner whose lock file was removed (F49) never writes between the look of another and its write.
    """

    __slots__ = (
        "_fd",
        "_folder",
        "_inode",
        "_key",
        "_line",
        "_lock",
        "_path",
        "_size",
        "_sound",
        "_writable",
        "epoch",
        "hash",
        "run_id",
        "seq",
    )

    def __init__(self, file: JournalFile, lock: RunLock, last: Concluded, size: int) -> None:
        self.run_id = file.header.run_id
        self.epoch = last.epoch
        self.seq = last.seq
        self.hash = last.hash
        self._fd = os.dup(file.fd)
        self._folder = file.path.parent / checkpoint_files.FOLDER
        self._inode = os.fstat(file.fd).st_ino
        self._key = file.header.key
        self._line = last.line
        self._lock = lock
        self._path = file.path
        self._size = size
        self._sound = False
        self._writable = True

    @classmethod
    def taken(cls, file: JournalFile, lock: RunLock) -> Self:
        """A writer in a new epoch, after the file's last concluded line; what is torn is cut off.

        Raises `Damaged` if what was acknowledged is not there.
        """
        with locked(file.fd, file.path):
            end = file.end()
            last, size = end.last, end.end
            file.compare(end, lock.head(), lock.path)
            if end.size > size:
                cut_off(file.fd, file.path, size)
            journal = cls(file, lock, last, size)
            try:
                journal.epoch += 1
                journal._write([], last.at, last.state)
            except BaseException:
                os.close(journal._fd)
                raise
        return journal

    def append(self, events: Sequence[Event], *, at: float, state: str) -> None:
        """Write the events, all or none; durable when it returns. See `Journal`.

        Whatever goes wrong, nothing is tried twice and this journal takes no more: after an error
        of the disk nobody can tell what a second try would stand on (F19).
        """
        if not self._writable:
            raise refusals.closed(self.run_id)
        self._writable = False  # until this append is known to have gone well
        at = float(at)
        records = seal(events, after=self.seq, previous=self.hash, epoch=self.epoch, at=at)
        try:
            _lock(self._fd, self._path)
            try:
                if not self._in_place():
                    raise self._conflict()
                self._write(records, at, state)
            finally:
                fcntl.flock(self._fd, fcntl.LOCK_UN)
        except OSError as error:
            raise unavailable(error, self._path, self.run_id) from error
        self._writable = True

    def keep(self, checkpoint: bytes) -> None:
        """Keep this snapshot of the state after the last record. See `Journal`."""
        with self._aside():
            if not self._sound:
                checkpoint_files.set_aside(self._folder, self.seq)
                self._sound = True
            checkpoint_files.keep(self._folder, self.seq, checkpoint)

    def forget_checkpoints(self) -> None:
        """Remove the run's checkpoints, the damaged ones too. See `Journal`."""
        with self._aside():
            checkpoint_files.forget(self._folder)

    def close(self) -> None:
        """Let the run go. May be called again."""
        self._writable = False
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)
        self._lock.release()

    def _write(self, records: Sequence[Record], at: float, state: str) -> None:
        """Write a batch and wait for the disk."""
        last = records[-1] if records else self
        line = Concluded(self._line + len(records) + 1, self.epoch, at, state, last.seq, last.hash)
        text = batch(records, line, self._key)
        data = text.encode()
        append(self._fd, self._size, data, self._path, self.run_id)
        self._line, self._size = line.line, self._size + len(data)
        self.seq, self.hash = line.seq, line.hash
        self._lock.note(line.line, sealed_by(text))

    def _in_place(self) -> bool:
        """Whether the file is where this writer left it: a newer owner began with a line of its own (I20).

        Raises `StateUnavailable` if it is no longer the path's, as after a step's `git clean`.
        """
        try:
            found = os.stat(self._path)  # noqa: PTH116 - asked at every append
        except OSError:
            found = None
        if found is None or found.st_ino != self._inode:
            raise refusals.file_gone(self._path, self.run_id)
        return found.st_size == self._size

    def _conflict(self) -> Conflict:
        with JournalFile.opened(self._path.parent) as file:
            return refusals.conflict(self.run_id, self.epoch, file.end().last.epoch)

    @contextmanager
    def _aside(self) -> Iterator[None]:
        """Something beside the journal: if it fails, the journal goes on."""
        if not self._writable:
            raise refusals.closed(self.run_id)
        try:
            yield
        except OSError as error:
            raise unavailable(error, self._folder, self.run_id) from error


def batch(records: Sequence[Record], line: Concluded, key: str) -> str:
    """The lines of an append."""
    lines = [record_line(record) for record in records]
    return "\n".join([*lines, concluded_line(line, key), ""])


@contextmanager
def locked(fd: int, path: Path) -> Iterator[None]:
    """Have the open file, or folder, for a moment. Raises `StateUnavailable` if another will not let go."""
    _lock(fd, path)
    try:
        yield
    finally:
        fcntl.flock(fd, fcntl.LOCK_UN)


def _lock(fd: int, path: Path) -> None:
    deadline = 0.0
    while True:
        try:
            return fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            now = time.monotonic()
            deadline = deadline or now + BUSY_SECONDS
            if now > deadline:
                raise StateUnavailable(
                    f"{path} is locked by another program for {BUSY_SECONDS:g} seconds",
                    f"see which with `fuser {path}`, end it, then try again",
                ) from None
            time.sleep(0.0005)
