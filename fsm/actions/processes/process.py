"""One child process under asyncio: started by the shim, its output read as it comes, its end told.

No threads and no child watcher: the shim says when the process has ended, and a non-blocking pipe brings
its output. What holds the pipe open after that (a daemon) never keeps the step from ending.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import sys
import termios
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from fsm.actions.processes.launcher import Launcher
from fsm.actions.processes.proc import now_in_ticks

__all__ = ["LASTING_SECONDS", "Process"]

_READ_BYTES = 65_536
_MOST_LATE = 64
LASTING_SECONDS = 1.0
"""A process that runs for so long is told of; see `Process`."""

T = TypeVar("T")

_late: list[Process] = []
"""Processes that have ended and left somebody who still holds their output, oldest first."""


class Process:
    """A child, leader of its own session and group; nothing on its stdin, its output going to `sink`.

    `started` is not after the child's start, in clock ticks. `begun` is done when it runs, as `pid`; `ended`
    when it has ended, with its exit code, negative for a signal, `None` if nobody knows. Both raise the
    `OSError` or `ValueError` that kept it from starting. `has_orphans`: whether at its end there was a new
    orphan of some step, `None` if that could not be told. `on_lasting` is called if it runs for
    `lasting_seconds`. Raises `OSError` if it cannot even be asked for.
    """

    def __init__(
        self,
        launcher: Launcher,
        argv: Sequence[str],
        *,
        cwd: str,
        env: Mapping[str, str],
        sink: Callable[[bytes], None],
        what: tuple[str, str, int] = ("", "", 0),
        log: str = "",
        secrets: Sequence[bytes] = (),
        on_lasting: Callable[[], None] = lambda: None,
        lasting_seconds: float = LASTING_SECONDS,
    ) -> None:
        self._lasting_seconds = lasting_seconds
        self._on_lasting = on_lasting
        self._loop = asyncio.get_running_loop()
        self.launcher = launcher
        self._sink = sink
        self._when_quiet: Callable[[], None] | None = None
        self.pid = 0
        self.has_orphans: bool | None = None
        self._is_read = False
        self._timer: asyncio.TimerHandle | None = None
        self.begun: asyncio.Future[None] = self._loop.create_future()
        self.ended: asyncio.Future[int | None] = self._loop.create_future()
        self._pipe, write_end = os.pipe()
        try:
            os.set_blocking(self._pipe, False)
            self.started = now_in_ticks()
            self._number = launcher.start(
                self,
                argv,
                cwd=cwd,
                env=env,
                output=(self._pipe, write_end),
                what=what,
                log=log,
                secrets=secrets,
            )
        except BaseException:
            os.close(self._pipe)
            self._pipe = -1
            raise
        finally:
            os.close(write_end)

    def _read_as_it_comes(self) -> None:
        if self._pipe >= 0:
            self._is_read = True
            self._loop.add_reader(self._pipe, self._on_output)

    # What the launcher tells.

    def on_run(self) -> None:
        """Read its output as it comes, and tell of it if it goes on: most have ended before, and wait for
        neither."""
        _settle(self.begun, None)
        if not self.ended.done():
            self._timer = self._loop.call_later(self._lasting_seconds, self._on_lasting)
            self._read_as_it_comes()

    def on_refusal(self, error: OSError | ValueError) -> None:
        for future in (self.begun, self.ended):
            if not future.done():
                future.set_exception(error)
                future.exception()  # whoever asks is told; nobody has to ask

    def on_end(self, code: int | None, has_orphans: bool | None) -> None:
        self.has_orphans = has_orphans
        self._stop_timer()
        _settle(self.begun, None)
        _settle(self.ended, code)

    @property
    def output_is_held(self) -> bool:
        """Whether some process still holds the output open, as far as has been read."""
        return self._pipe >= 0

    def signal_group(self, number: signal.Signals) -> None:
        """Signal all that stayed in the leader's group; nothing if it has ended."""
        self.launcher.signal_group(self._number, number)

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
        if self._pipe < 0:
            when_quiet()
            return
        self._when_quiet = when_quiet
        if not self._is_read:
            self._read_as_it_comes()
        _late.append(self)
        for process in [late for late in _late if late._loop.is_closed()]:
            process._close_pipe()
        mine = [late for late in _late if late._loop is self._loop]
        if len(mine) > _MOST_LATE:
            mine[0]._close_pipe()

    def close(self) -> None:
        """Free everything, whatever came before. A leader that has not ended is killed."""
        self._stop_timer()
        self._close_pipe()
        if not self.ended.done():
            self.signal_group(signal.SIGKILL)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

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
        return len(piece)

    def _close_pipe(self) -> None:
        if self._pipe >= 0:
            if self._is_read and not self._loop.is_closed():
                self._loop.remove_reader(self._pipe)
            os.close(self._pipe)
            self._pipe = -1
        if self._when_quiet is not None:
            _late.remove(self)
            when_quiet, self._when_quiet = self._when_quiet, None
            when_quiet()


def _settle(future: asyncio.Future[T], value: T) -> None:
    if not future.done():
        future.set_result(value)
