"""The runner's end of the shim: processes are started through it, and it tells how each ended."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import socket
import struct
import sys
import weakref
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from fsm.actions.processes.shim import BRIEF_MS, CHANNEL, pack, unpack
from fsm.actions.processes.standby import claim
from fsm.actions.processes.watch import Watch

if TYPE_CHECKING:
    from typing import Any

__all__ = ["Launched", "Launcher"]

_READ_BYTES = 1 << 16
_DESCRIPTORS = (socket.SOL_SOCKET, socket.SCM_RIGHTS)
_HERE = Path(__file__).parent
_PROGRAM = (
    f"import sys; sys.path.insert(0, {str(_HERE)!r}); import shim; "
    f"sys.path[0] = {str(_HERE.parents[2])!r}; shim.main(); shim.os._exit(0)"
)


class Launched(Protocol):
    """What asked for a process, and is told of it."""

    pid: int
    """The process, 0 as long as it is not known."""

    def on_run(self) -> None:
        """It runs, and has not ended at once."""

    def on_refusal(self, error: OSError | ValueError) -> None:
        """It could not be started; `filename` of an `OSError` is what could not be used."""

    def on_end(self, code: int | None, has_orphans: bool | None) -> None:
        """It has ended with that exit code; `None` if nobody knows, as the shim is gone.

        `has_orphans`: whether a step has left an orphan now; `None` if it may be, or there was one before.
        """


class Launcher:
    """Starts processes through one shim: the one that stands by, if there is one when the first is started.

    `leaders` are the processes that were started and have not ended; `shim` is the shim's number, 0 before
    it runs; `watch` sees all processes for those that are being ended. Belongs to one thread; its event loop
    may change when nothing is in flight.
    """

    def __init__(self) -> None:
        self.leaders: dict[int, Launched] = {}
        self.shim = 0
        self.watch = Watch()
        self._numbers = count(1)
        self._launched: dict[int, Launched] = {}
        self._holds: dict[int, tuple[asyncio.Future[None], int]] = {}
        self._holders = 0
        self._dead_leaders: set[int] = set()
        self._heard = bytearray()
        self._environ: dict[str, str] | None = None
        self._channel: socket.socket | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end: weakref.finalize[..., Launcher] | None = None

    def start(
        self,
        launched: Launched,
        argv: Sequence[str],
        *,
        cwd: str,
        env: Mapping[str, str],
        output: tuple[int, int],
        what: tuple[str, str, int],
        log: str,
        secrets: Sequence[bytes],
    ) -> int:
        """Have the process started: leader of its own session, nothing on its stdin, output to the pipe.

        Returns the number that stands for it. `launched` hears what becomes of it, in the running loop.
        `what` (step, purpose, attempt), `log` and `secrets` are for the ledger. Raises `OSError` if no shim
        can be started.
        """
        self._listen()
        number = next(self._numbers)
        frame = pack("start", number, [*argv], cwd, *self._changed(env), what, log, tuple(secrets))
        self._launched[number] = launched
        try:
            self._send(frame, (*_DESCRIPTORS, struct.pack("2i", *output)))
        except OSError:
            self._lose()
        return number

    def hear_soon(self) -> None:
        """Wait some moments for what is in flight, if that is one process: most end before they are over.

        Two rounds of the loop are saved, and take longer than starting `true` does.
        """
        if len(self._launched) == 1 and self._channel is not None:
            self._hear(0)

    def signal_group(self, number: int, signal: signal.Signals) -> None:
        """Signal all that stayed in the group of the leader that `start` gave this number, if it lives."""
        self._say("signal", number, int(signal))

    async def hold_orphans(self, held: bool) -> bool:
        """From now on no orphan vanishes before it was seen, or again all that have ended do.

        Returns whether a cancellation came meanwhile, which is not raised.
        """
        if self._channel is None:
            return False
        cancelled = False
        number, done = next(self._numbers), asyncio.get_running_loop().create_future()
        self._holds[number] = done, 1 if held else -1
        self._say("hold" if held else "let_go", number)
        with suppress(ProcessLookupError):  # whoever stopped it does not stop the ending of steps
            os.kill(self.shim, signal.SIGCONT)
        while not done.done():
            try:
                await asyncio.wait([done])
            except asyncio.CancelledError:
                cancelled = True
        return cancelled

    def is_leader(self, pid: int) -> bool:
        """Whether this number stands for a process that was started here, and for no other."""
        return pid in self.leaders or pid in self._dead_leaders

    def reap(self, pid: int) -> None:
        """This orphan has ended and was seen: its number may be used again."""
        self._say("reap", pid)

    def recorded(self) -> None:
        """Every end that was told is in the journal: a ledger need not tell it."""
        self._say("recorded")

    def close(self) -> None:
        """Let the shim go, and wait for it; it stays if something is in flight. May be called again."""
        self._deaf()
        if self._end is not None:
            self._end()
        self._channel, self._end, self._environ, self.shim = None, None, None, 0

    def _listen(self) -> None:
        """See that there is a channel, with a shim at its other end, heard by the loop that runs now."""
        if self._channel is None:
            self.shim, mine = _start_shim()
            brief = struct.pack("2l", 0, BRIEF_MS * 1000)
            mine.settimeout(None)  # whatever `socket.setdefaulttimeout` says
            mine.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, brief)
            self._channel = mine
            self._end = weakref.finalize(
                self, _let_go, os.getpid(), mine, self.shim, self._launched
            )
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._deaf()
            loop.add_reader(self._channel.fileno(), self._hear)
            self._loop = loop

    def _changed(self, env: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
        """What the environment adds to the one that the shim was told first, and what it does not have."""
        if self._environ is None:
            self._environ = dict(env)
            self._say("environ", self._environ)
        told = self._environ.get
        gone = () if self._environ.keys() <= env.keys() else self._environ.keys() - env.keys()
        return {name: value for name, value in env.items() if told(name) != value}, [*gone]

    def _deaf(self) -> None:
        if self._loop is not None and not self._loop.is_closed() and self._channel is not None:
            self._loop.remove_reader(self._channel.fileno())
        self._loop = None

    def _hear(self, flags: int = socket.MSG_DONTWAIT) -> None:
        assert self._channel is not None
        try:
            data = self._channel.recv(_READ_BYTES, flags)
        except BlockingIOError:
            return
        except ConnectionError:
            data = b""
        if not data:
            self._lose()
            return
        self._heard += data
        self._mind()

    def _mind(self) -> None:
        for verb, number, *rest in unpack(self._heard):
            getattr(self, f"_on_{verb}")(number, *rest)

    def _on_started(self, number: int, pid: int) -> None:
        self.leaders[pid] = launched = self._launched[number]
        launched.pid = pid
        launched.on_run()

    def _on_held(self, number: int) -> None:
        done, holders = self._holds.pop(number)
        self._holders += holders
        if not self._holders:
            self._dead_leaders.clear()
        done.set_result(None)

    def _on_refused(self, number: int, code: int, words: str, where: str) -> None:
        error = OSError(code, os.strerror(code), where) if code else ValueError(words)
        self._launched.pop(number).on_refusal(error)

    def _on_ended(self, number: int, pid: int, code: int, has_orphans: bool | None) -> None:
        self.leaders.pop(pid, None)
        if self._holders:
            self._dead_leaders.add(pid)
        launched = self._launched.pop(number)
        launched.pid = pid
        launched.on_end(code, has_orphans)

    def _say(self, *message: Any) -> None:
        if self._channel is not None:
            with suppress(OSError):
                self._send(pack(*message))

    def _send(self, frame: bytes, *descriptors: tuple[int, int, bytes]) -> None:
        """Send it all. While the channel is full, take in what the shim says: it may wait for us to. Raises
        `OSError`."""
        assert self._channel is not None
        rest = memoryview(frame)
        while rest:
            try:
                sent = self._channel.sendmsg([rest], descriptors, socket.MSG_DONTWAIT)
            except BlockingIOError:
                self._take_in(self._channel)
            else:
                rest, descriptors = rest[sent:], ()

    def _take_in(self, channel: socket.socket) -> None:
        """Wait until something can be sent or heard; the loop minds what is heard in its next round."""
        poller = select.poll()
        poller.register(channel, select.POLLIN | select.POLLOUT)
        if poller.poll()[0][1] & select.POLLIN:
            data = channel.recv(_READ_BYTES, socket.MSG_DONTWAIT)
            if not data:
                raise ConnectionResetError
            self._heard += data
            if self._loop is not None and not self._loop.is_closed():
                self._loop.call_soon(self._mind)

    def _lose(self) -> None:
        """The shim is gone, and with it all knowledge of what it had started."""
        lost = list(self._launched.values())
        while self._holds:
            self._holds.popitem()[1][0].set_result(None)
        self._holders = 0
        self._dead_leaders.clear()
        self._launched.clear()
        self.leaders.clear()
        self._heard.clear()
        self.close()
        for launched in lost:
            launched.on_end(None, True)


def _start_shim() -> tuple[int, socket.socket]:
    """The number of a new shim, and our end of its channel: the one that stands by, or else a program of
    its own, as a fork might inherit a lock that nobody is there to open."""
    if (waiting := claim()) is not None:
        shim, channel = waiting
        return shim, socket.socket(fileno=channel)
    mine, theirs = socket.socketpair()
    with theirs, ExitStack() as undo:
        undo.callback(mine.close)
        shim = _spawn(theirs.fileno())
        undo.pop_all()
    return shim, mine


def _spawn(channel: int) -> int:
    nothing = (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)
    return os.posix_spawn(
        sys.executable,
        [sys.executable, "-I", "-S", "-c", _PROGRAM],
        os.environ,
        file_actions=[
            (os.POSIX_SPAWN_DUP2, channel, CHANNEL),
            nothing,
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
        setsigmask=[],
    )


def _let_go(
    owner: int, channel: socket.socket, shim: int, in_flight: Mapping[int, Launched]
) -> None:
    """Close the channel; a shim that has nothing left to see to ends at once, and is waited for."""
    if os.getpid() != owner:
        return  # a fork of the runner, which has nothing to say here
    with suppress(OSError):
        channel.shutdown(socket.SHUT_RDWR)
    channel.close()
    with suppress(ProcessLookupError):
        os.kill(shim, signal.SIGCONT)
    with suppress(ChildProcessError):
        os.waitpid(shim, os.WNOHANG if in_flight else 0)
