"""The heads of journals that a server acknowledged, kept on this machine: evidence of what it loses.

A server may come back from a failover or a restart with fewer records than it acknowledged (F25, F27), and
the chain of what is left is whole. So the last record that was acknowledged here is kept here, in
`.fsm/redis-heads/STORE/RUN.head`: one line `SEQ HASH CRC`. Not synced; after a power cut it may be an older
one, which is less evidence and never false evidence.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
import zlib
from pathlib import Path

from fsm.errors import StateUnavailable
from fsm.stores.files import keep_out_of_git, make_folder
from fsm.stores.lock import Head

__all__ = ["HeadFile", "Heads"]

_FLAGS = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_HEAD = re.compile(rb" *(\d+) ([0-9a-f]{64}) ([0-9a-f]{8})\n")
_SUFFIX = ".head"


class HeadFile:
    """Where the head of one run is noted; nowhere, if this machine lets nothing be written."""

    __slots__ = ("_fd",)

    def __init__(self, fd: int = -1) -> None:
        self._fd = fd

    def note(self, seq: int, hash_: str) -> None:
        """Keep the head of the chain. That this cannot be done is no failure of the append."""
        line = b"%20d %s" % (seq, hash_.encode())
        if self._fd >= 0:
            with contextlib.suppress(OSError):
                os.pwrite(self._fd, b"%s %08x\n" % (line, zlib.crc32(line)), 0)

    def close(self) -> None:
        """Note no more. May be called again."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


class Heads:
    """The heads that this machine has seen of one store, in `folder`, which may not exist."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, run_id: str) -> Path:
        """Where the head of that run is, or would be."""
        return self.folder / f"{run_id}{_SUFFIX}"

    def read(self, run_id: str) -> Head | None:
        """The head noted last. `None` if there is none, or none that is legible and ours."""
        try:
            fd = os.open(self.path(run_id), os.O_RDONLY | _FLAGS)
        except OSError:
            return None
        try:
            match = _HEAD.match(os.pread(fd, 128, 0)) if _is_ours(fd) else None
        except OSError:
            match = None
        finally:
            os.close(fd)
        if match is None or zlib.crc32(match[0][: match.end(2)]) != int(match[3], 16):
            return None
        return Head(int(match[1]), match[2].decode())

    def known(self) -> frozenset[str]:
        """The runs of which at least one record was acknowledged here."""
        try:
            with os.scandir(self.folder) as entries:
                return frozenset(
                    entry.name.removesuffix(_SUFFIX)
                    for entry in entries
                    if entry.name.endswith(_SUFFIX) and entry.stat(follow_symlinks=False).st_size
                )
        except OSError:
            return frozenset()

    def begin(self, run_id: str) -> HeadFile:
        """Where to note the head of that run from now on; makes the folder."""
        state = self.folder.parent.parent
        try:
            is_new = not state.exists()
            make_folder(state)
            if is_new:
                keep_out_of_git(state)
            make_folder(self.folder.parent)
            make_folder(self.folder)
            fd = os.open(self.path(run_id), os.O_RDWR | os.O_CREAT | _FLAGS, 0o600)
        except (OSError, StateUnavailable):
            return HeadFile()
        if not _is_ours(fd):
            os.close(fd)
            return HeadFile()
        return HeadFile(fd)

    def forget(self, run_id: str) -> None:
        """The run was removed on purpose."""
        with contextlib.suppress(OSError):
            self.path(run_id).unlink()


def _is_ours(fd: int) -> bool:
    status = os.fstat(fd)
    return stat.S_ISREG(status.st_mode) and status.st_uid == os.geteuid()
