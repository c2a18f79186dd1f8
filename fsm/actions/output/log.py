"""The log of one attempt: written live, masked, bounded; and its last lines for reports."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Sequence

from fsm.actions.output.masking import Masker
from fsm.actions.output.text import last_lines, one_line, plain_text, to_bytes

__all__ = ["Log", "Masker", "make_folder", "open_regular", "read_tail"]

_CAP = 10 << 20
_RING = 64 << 10
_TAIL = 16 << 10
_FLAGS = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


class Log:
    """Takes the raw output of one attempt; the file shows it masked, as it comes.

    The file (0600, in a folder of 0700) is made at the first byte, and a link in its place is not followed.
    The first `cap` bytes are written live; of what comes after, the last 64 KiB are written when the log is
    closed, after a line that counts what is left out. Memory stays bounded. Nothing here is ever raised: a
    disk that is full keeps no step from its work, and `trouble` says what was lost to it.
    """

    __slots__ = ("_cap", "_fd", "_masker", "_path", "_recent", "_total", "_written", "trouble")

    def __init__(self, path: str, masker: Masker, *, cap: int = _CAP) -> None:
        self._path = path
        self._masker = masker
        self._cap = cap
        self._fd = -1
        self._recent = bytearray()
        self._total = 0
        self._written = 0
        self.trouble = ""

    def write(self, piece: bytes) -> None:
        """The next piece of output, raw."""
        self._take(self._masker.feed(piece))

    def end_output(self) -> None:
        """No more output comes: what was held back as the possible beginning of a secret is written."""
        self._take(self._masker.flush())

    def note(self, text: str) -> None:
        """A line of fsm's own, masked, set apart by `[fsm]`."""
        start = "" if not self._recent or self._recent.endswith(b"\n") else "\n"
        line = one_line(self._masker.mask(to_bytes(text)))
        self._take(f"{start}[fsm] {line}\n".encode())

    def tail(self) -> str:
        """The last 20 lines of all that was taken, at most 4 KiB: plain text, masked."""
        text = _tail(bytes(self._recent[-_TAIL:]), self._total > _TAIL, self._masker)
        if not self.trouble:
            return text
        return last_lines(f"{text}\n[fsm] the log is incomplete: {self.trouble}".lstrip())

    def close(self) -> None:
        """Write what the cap held back, and close the file. May be called again."""
        self.end_output()
        beyond = self._total - self._written
        if beyond and not self.trouble:
            kept = self._recent[-min(beyond, _RING) :]
            if beyond > len(kept):
                left_out = f"\n[fsm] … {beyond - len(kept)} bytes left out …\n"
                self._append(left_out.encode())
            self._append(kept)
            self._written = self._total
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _take(self, masked: bytes) -> None:
        if not masked:
            return
        if self._written == self._total < self._cap:
            head = masked[: self._cap - self._written]
            self._append(head)
            self._written += len(head)
        self._total += len(masked)
        self._recent += masked
        if len(self._recent) > 2 * _RING:
            del self._recent[:-_RING]

    def _append(self, data: bytes | bytearray) -> None:
        if self.trouble:
            return
        try:
            if self._fd < 0:
                make_folder(os.path.dirname(self._path))  # noqa: PTH120
                self._fd = open_regular(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
            view = memoryview(data)
            while view:  # a disk that fills up takes a part, and says so only the next time
                view = view[os.write(self._fd, view) :]
        except OSError as error:
            self.trouble = error.strerror or str(error)


def read_tail(path: str, secrets: Sequence[bytes] = ()) -> str:
    """The last lines of a log file, as `Log.tail` gives them; empty if there is none to read."""
    try:
        fd = open_regular(path, os.O_RDONLY)
    except OSError:
        return ""
    try:
        size = os.fstat(fd).st_size
        recent = os.pread(fd, _TAIL, max(0, size - _TAIL))
    except OSError:
        return ""
    finally:
        os.close(fd)
    return _tail(recent, size > len(recent), Masker(secrets))


def make_folder(folder: str) -> None:
    """Make the folder and those above it, as far as they are missing, open to their owner only."""
    try:
        os.mkdir(folder, 0o700)  # noqa: PTH102
    except FileExistsError:
        return
    except FileNotFoundError:
        make_folder(os.path.dirname(folder))  # noqa: PTH120
        make_folder(folder)


def open_regular(path: str, flags: int) -> int:
    """A descriptor of the file, made for its owner only; no link is followed. Raises `OSError`."""
    fd = os.open(path, flags | _FLAGS, 0o600)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise OSError(errno.EINVAL, "not a regular file")
    return fd


def _tail(recent: bytes, is_cut: bool, masker: Masker) -> str:
    if not recent:
        return ""
    if is_cut:
        recent = recent.lstrip(bytes(range(0x80, 0xC0)))  # the rest of a character that was cut
    # Masked again: taking out an escape sequence may put a secret together.
    masked = masker.mask(plain_text(recent).encode())
    return last_lines(masked.decode(errors="backslashreplace"))
