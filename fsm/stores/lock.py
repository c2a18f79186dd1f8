"""The exclusive right to write one run: `flock` on a file, which the kernel frees with its process.

A writer holds the file *exclusively* as long as it has the run; `holder` takes it *shared* for a
moment. So a writer that is refused the exclusive lock tries the shared one: refused again, there is
a writer, and `Held` is true; granted, only askers were in the way, and it tries again. Askers never
refuse each other.

The file is text, written only by the lock's owner:

    at byte 0    `PID START`, the owner and when it started, in ticks since boot (F46), padded
    at byte 64   `SEQ HASH CRC`, the newest record that the store acknowledged: the head of the
                 journal's chain, kept outside the store so that a lost suffix shows (F16);
                 of a file of JSON lines the newest line, its number and seal,
                 also of the one that holds a store's approvals
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import stat
import time
from binascii import crc32
from pathlib import Path
from typing import NamedTuple

from fsm.errors import Held

__all__ = ["Head", "RunLock", "heads", "holder", "read_head"]

_FLAGS = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK  # O_NONBLOCK: a planted pipe must not hang us
_HEAD_AT = 64
_HEAD = re.compile(rb" *(\d+) ([0-9a-f]{64}) ([0-9a-f]{8})\n")
_PATIENCE_SECONDS = 2.0
_SUFFIX = ".lock"


class Head(NamedTuple):
    """The last record of a journal: its number and its hash."""

    seq: int
    hash: str


class RunLock:
    """One run's lock, held from `take` until `release`, or until this process ends."""

    __slots__ = ("_fd", "path")

    def __init__(self, fd: int, path: Path) -> None:
        self._fd = fd
        self.path = path

    @classmethod
    def take(cls, folder: Path, run_id: str) -> RunLock:
        """The lock of `run_id`, at once. Raises `Held` while another holder lives, and `OSError`.

        A lock file that was unlinked or replaced meanwhile is left for the one that stands in its
        place (F49); a file system that grants the lock twice is refused (F29).
        """
        path = folder / f"{run_id}{_SUFFIX}"
        while True:
            fd = os.open(path, os.O_RDWR | os.O_CREAT | _FLAGS, 0o600)
            try:
                _refuse_strangers(fd, path)
                if not _lock_exclusively(fd):
                    raise Held(run_id, _owner(fd))
                if _stands(fd, path):
                    owner = f"{os.getpid()} {_started(os.getpid())}"
                    os.pwrite(fd, owner.ljust(_HEAD_AT - 1).encode() + b"\n", 0)
                    return cls(fd, path)
            except BaseException:
                os.close(fd)
                raise
            os.close(fd)

    def head(self) -> Head | None:
        """What `note` wrote last, by whichever owner. `None` if nothing, or nothing legible."""
        return _head(self._fd)

    def note(self, seq: int, hash_: str) -> None:
        """Keep the head of the chain. Not synced: after a power cut it may be an older one.

        It is evidence, not the record: that it cannot be written is no failure of the append.
        """
        line = b"%20d %s" % (seq, hash_.encode())
        try:  # noqa: SIM105 (contextlib.suppress would cost as much again)
            os.pwrite(self._fd, b"%s %08x\n" % (line, crc32(line)), _HEAD_AT)
        except OSError:
            pass

    def forget(self) -> None:
        """Drop the head, because the run is about to be removed."""
        os.ftruncate(self._fd, _HEAD_AT)

    def release(self) -> None:
        """Let the run go, also for processes that inherited the descriptor. May be called again."""
        if self._fd < 0:
            return
        fd, self._fd = self._fd, -1
        try:
            with contextlib.suppress(OSError):  # the name of an owner counts only under its lock
                os.pwrite(fd, b" " * (_HEAD_AT - 1), 0)
            fcntl.flock(fd, fcntl.LOCK_UN)
        finally:
            os.close(fd)

    def discard(self) -> None:
        """Let go a lock whose run came to nothing, and remove its file, unless it has a head."""
        if self._fd >= 0 and os.fstat(self._fd).st_size <= _HEAD_AT:
            with contextlib.suppress(OSError):
                self.path.unlink()
        self.release()


def holder(folder: Path, run_id: str) -> int | None:
    """The pid of the living holder, 0 if it cannot be told, `None` if the run is free.

    Keeps nobody from taking the lock, and writes nothing.
    """
    fd = _open(folder, run_id)
    if fd is None:
        return None
    try:
        return None if _try(fd, fcntl.LOCK_SH) else _owner(fd)
    finally:
        os.close(fd)


def read_head(folder: Path, run_id: str) -> Head | None:
    """The head that the run's owner noted. `None` if there is none, or it is torn."""
    fd = _open(folder, run_id)
    if fd is None:
        return None
    try:
        return _head(fd)
    finally:
        os.close(fd)


def heads(folder: Path) -> frozenset[str]:
    """The runs of which at least one record was acknowledged, as the lock files tell."""
    try:
        with os.scandir(folder) as entries:
            return frozenset(
                entry.name.removesuffix(_SUFFIX)
                for entry in entries
                if entry.name.endswith(_SUFFIX)
                and not entry.name.startswith(".")  # no run is called so
                and entry.stat(follow_symlinks=False).st_size > _HEAD_AT
            )
    except FileNotFoundError:
        return frozenset()


def _open(folder: Path, run_id: str) -> int | None:
    """The lock file for reading, or `None` if there is none."""
    path = folder / f"{run_id}{_SUFFIX}"
    try:
        fd = os.open(path, os.O_RDONLY | _FLAGS)
    except FileNotFoundError:
        return None
    try:
        _refuse_strangers(fd, path)
    except BaseException:
        os.close(fd)
        raise
    return fd


def _try(fd: int, how: int) -> bool:
    try:
        fcntl.flock(fd, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _lock_exclusively(fd: int) -> bool:
    """Whether the lock is ours; if not, somebody had it exclusively, or only shared for seconds."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not _try(fd, fcntl.LOCK_EX):
        if not _try(fd, fcntl.LOCK_SH):
            return False
        fcntl.flock(fd, fcntl.LOCK_UN)  # hold nothing while waiting: two of us would wait forever
        if time.monotonic() > deadline:  # an asker was stopped in the microsecond that it asked
            return False
        time.sleep(0.0001)
    return True


def _stands(fd: int, path: Path) -> bool:
    """Whether the locked file still has its name. Raises `OSError` if the lock locks nobody out."""
    try:
        twin = os.open(path, os.O_RDONLY | _FLAGS)
    except FileNotFoundError:
        return False
    try:
        if not os.path.samestat(os.fstat(fd), os.fstat(twin)):
            return False
        if _try(twin, fcntl.LOCK_SH):
            raise OSError(errno.ENOLCK, "this file system does not keep locks", str(path))
    finally:
        os.close(twin)
    return True


def _refuse_strangers(fd: int, path: Path) -> None:
    status = os.fstat(fd)
    if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid():
        raise OSError(errno.EPERM, "not a plain file of this user", str(path))


def _owner(fd: int) -> int:
    """The pid that the owner wrote, 0 while it has not, or if it lives where we cannot see it."""
    for _ in range(20):
        pid, _, started = (
            os.pread(fd, _HEAD_AT, 0).decode("ascii", "replace").strip().partition(" ")
        )
        if pid.isdecimal() and _started(int(pid)) == started:
            return int(pid)
        time.sleep(0.0005)  # between taking the lock and writing the name lie microseconds
    return 0


def _started(pid: int) -> str:
    """When the process started, in ticks since boot; empty if there is no such process."""
    try:
        text = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return ""
    return text.rpartition(b")")[2].split()[19].decode()


def _head(fd: int) -> Head | None:
    match = _HEAD.match(os.pread(fd, 128, _HEAD_AT))
    if match is None or crc32(match[0][: match.end(2)]) != int(match[3], 16):
        return None
    return Head(int(match[1]), match[2].decode())
