"""One child process under asyncio: started, its output read as it comes, its end noticed at once.

No threads and no child watcher: a pidfd says when the process has ended, and a non-blocking pipe brings
its output. What holds the pipe open after that (a daemon) never keeps the step from ending.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import subprocess
import sys
import termios
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from fsm.actions.children import CHILDREN
from fsm.actions.proc import now_in_ticks

__all__ = ["Process"]

_READ_BYTES = 65_536
_MOST_LATE = 64
_KILLED_SECONDS = 0.2  # what is killed has ended well before, unless the kernel is stuck

_late: list[Process] = []
"""Processes that have ended and left somebody who still holds their output, oldest first."""


class Process:
    """A child, leader of its own session and group; nothing on its stdin, its output going to `sink`.

    `started` is not after the child's start, in clock ticks. Raises `OSError` or `ValueError` if it cannot
    be started; then nothing is left behind. Until `take_status` its number belongs to it, dead or alive,
    so the group of that number may be signalled safely.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        cwd: str,
        env: Mapping[str, str],
        sink: Callable[[bytes], None],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._sink = sink
        self._when_quiet: Callable[[], None] | None = None
        self._pipe, write_end = os.pipe()
        self._pidfd = -1
        try:
            os.set_blocking(self._pipe, False)
            self.started = now_in_ticks()
            self._popen = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=write_end,
                stderr=write_end,
                cwd=cwd,
                env=env,
                start_new_session=True,
            )
        except BaseException:
            os.close(self._pipe)
            raise
        finally:
            os.close(write_end)
        self.pid = self._popen.pid
        CHILDREN.leaders.add(self.pid)
        try:
            self._pidfd = os.pidfd_open(self.pid)
            self.ended: asyncio.Future[None] = self._loop.create_future()
            self._loop.add_reader(self._pidfd, self._on_end)
            self._loop.add_reader(self._pipe, self._on_output)
        except BaseException:
            self.close()
            raise

    @property
    def output_is_held(self) -> bool:
        """Whether some process still holds the output open, as far as has been read."""
        return self._pipe >= 0

    def signal_group(self, number: signal.Signals) -> None:
        """Signal all that stayed in the leader's group; nothing if its status was taken."""
        if self.pid in CHILDREN.leaders:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)

    def take_status(self) -> int | None:
        """The exit code, negative for a signal, of a leader that has ended; its number is free again.

        `None` if it has not ended (the kernel would not let us kill it) or somebody else took its status.
        """
        try:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
        except ChildProcessError:
            pid, status = self.pid, None
        if not pid:
            return None
        CHILDREN.leaders.discard(self.pid)
        code = None if status is None else os.waitstatus_to_exitcode(status)
        self._popen.returncode = 0 if code is None else code  # so that it does not wait as well
        return code

    def drain(self) -> None:
        """Pass on what lies in the pipe at this moment, and see whether anybody still holds it.

        All that the leader wrote lies there; what others go on writing cannot make this endless.
        """
        if self._pipe < 0 or not self._on_output():
            return
        rest = int.from_bytes(fcntl.ioctl(self._pipe, termios.FIONREAD, b"\0" * 4), sys.byteorder)
        while self._pipe >= 0 and rest >= 0:
            # Asked for one byte more than lies there: only that shows the end of the file.
            read = self._on_output(min(rest, _READ_BYTES) or 1)
            if not read:
                break
            rest -= read

    def release(self, when_quiet: Callable[[], None]) -> None:
        """The leader has ended: let go, and call `when_quiet` when the last output has come.

        That is at once, unless the step left somebody running who holds its output. Closing the pipe
        would kill them at their next line: so it is read on, for as long as this process lives.
        """
        self._close_pidfd()
        if self._pipe < 0:
            when_quiet()
            return
        self._when_quiet = when_quiet
        _late.append(self)
        for process in [late for late in _late if late._loop.is_closed()]:
            process._close_pipe()
        mine = [late for late in _late if late._loop is self._loop]
        if len(mine) > _MOST_LATE:
            mine[0]._close_pipe()

    def close(self) -> None:
        """Free everything, whatever came before. A leader whose status was not taken is killed."""
        self._close_pidfd()
        self._close_pipe()
        if self.pid in CHILDREN.leaders:
            self.signal_group(signal.SIGKILL)
            with suppress(subprocess.TimeoutExpired):
                self._popen.wait(_KILLED_SECONDS)
            CHILDREN.leaders.discard(self.pid)

    def _on_end(self) -> None:
        self._close_pidfd()
        if not self.ended.done():
            self.ended.set_result(None)

    def _on_output(self, at_most: int = _READ_BYTES) -> int:
        """Pass on one piece; how long it was. One bounded read, so that a flood starves nobody."""
        try:
            piece = os.read(self._pipe, at_most)
        except BlockingIOError:
            return 0
        if piece:
            self._sink(piece)
        else:
            self._close_pipe()
            # A process closes its files just before it has ended: mostly one look saves a round of the loop.
            if self._pidfd >= 0 and self._has_ended():
                self._on_end()
        return len(piece)

    def _has_ended(self) -> bool:
        try:
            flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
            return os.waitid(os.P_PID, self.pid, flags) is not None
        except ChildProcessError:
            return True

    def _close_pidfd(self) -> None:
        if self._pidfd >= 0:
            self._forget(self._pidfd)
            self._pidfd = -1

    def _close_pipe(self) -> None:
        if self._pipe >= 0:
            self._forget(self._pipe)
            self._pipe = -1
        if self._when_quiet is not None:
            _late.remove(self)
            when_quiet, self._when_quiet = self._when_quiet, None
            when_quiet()

    def _forget(self, fd: int) -> None:
        if not self._loop.is_closed():
            self._loop.remove_reader(fd)
        os.close(fd)
