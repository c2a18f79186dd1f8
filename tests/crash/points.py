"""Kill points: named places that a process crosses, at one of which it ends itself.

A point is named after what is going on and what comes next (`append:COMMIT` is just before the commit of an
append). The process dies by its own SIGKILL, having written and synced which crossing that was; at the
points named `torn` it dies instead inside one write, half of it on the disk: the file size limit is set
so that the kernel ends it there with SIGXFSZ (F06).
"""

from __future__ import annotations

import os
import resource
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

__all__ = ["CROSSED", "Kill", "Points", "sync"]

CROSSED = "crossed"
TORN = ":torn"
_FRAME_BYTES = 4096 + 24  # one page in SQLite's write-ahead log; a commit writes two or more
_PAGE_BYTES = 4096
_STATEMENTS = frozenset({"BEGIN", "CREATE", "INSERT", "UPDATE", "DELETE", "COMMIT"})

sync = os.fsync
"""The real one: a watched process counts the calls of `os.fsync`."""


@dataclass(frozen=True, slots=True)
class Kill:
    """A life of this kind (`again`: any after a death) ends at the nth crossing of the point.

    A negative `nth` counts from the last crossing. As text: `LIFE POINT NTH`.
    """

    life: str
    point: str
    nth: int = 1

    @classmethod
    def parse(cls, text: str) -> Kill:
        life, point, nth = text.split()
        return cls(life, point, int(nth))

    def __str__(self) -> str:
        return f"{self.life} {self.point} {self.nth}"

    @property
    def signal(self) -> signal.Signals:
        """What the process dies of."""
        return signal.SIGXFSZ if self.point.endswith(TORN) else signal.SIGKILL


class Points:
    """Counts the crossings of one process, and ends it at the one that `kill` names."""

    def __init__(self, folder: Path, kill: Kill | None = None) -> None:
        self.counts: Counter[str] = Counter()
        self.doing = ""
        self._folder = folder
        self._kill = kill

    def cross(self, name: str) -> None:
        """Cross a point; does not return if it is the one."""
        if self._is_the_one(name):
            self._leave_word(name)
            os.kill(os.getpid(), signal.SIGKILL)

    def statement(self, text: str) -> None:
        """SQLite is about to carry out a statement."""
        word = text.lstrip().split(None, 1)[0].rstrip(";").upper()
        if word not in _STATEMENTS:
            return
        self.step(word)
        if word == "COMMIT" and self.doing:
            # a small commit is one frame of the log and a bit, the others are two or more
            frames = 1 if self.doing in {"keep", "forget"} else 2
            self.tear(self._log_bytes() + self._cut(frames * _FRAME_BYTES))

    def step(self, name: str) -> None:
        """Something that lasts is about to be done. It is a point if it is a part of what goes on."""
        if self.doing:
            self.cross(f"{self.doing}:{name}")

    def write(self, size: int, length: int) -> None:
        """So many bytes are about to be added to a file of `size` bytes."""
        if self.doing and length:
            self.tear(size + self._cut(length))

    def tear(self, at: int) -> None:
        """From here on, what is written to a file beyond its byte `at` ends the process, half done."""
        name = f"{self.doing}{TORN}"
        if not self._is_the_one(name):
            return
        self._leave_word(name)
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (at, resource.RLIM_INFINITY))

    def tear_checkpoint(self) -> None:
        """The same, when SQLite merges its log into the database: a page of it there, the next not."""
        self.tear(3 * _PAGE_BYTES)

    @contextmanager
    def within(self, doing: str) -> Iterator[None]:
        """Name what goes on; the points `before` and `done` are its edges."""
        self.doing = doing
        self.cross(f"{doing}:before")
        yield
        self.cross(f"{doing}:done")
        self.doing = ""

    def _is_the_one(self, name: str) -> bool:
        self.counts[name] += 1
        kill = self._kill
        return kill is not None and name == kill.point and self.counts[name] == kill.nth

    def _leave_word(self, name: str) -> None:
        fd = os.open(self._folder / CROSSED, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        os.write(fd, f"{name} {self.counts[name]} {os.getpid()}".encode())
        sync(fd)
        os.close(fd)

    def _log_bytes(self) -> int:
        log = self._folder / "state.db-wal"
        return log.stat().st_size if log.exists() else 0

    def _cut(self, length: int) -> int:
        """How much of the next `length` bytes is still written: another part each time, never all of it."""
        return (self.counts[f"{self.doing}{TORN}"] * 2713 + 1) % length
