"""Ending everything that a step began: its group, its descendants, and daemons that broke away.

Who belongs to an attempt is told by `kin.py`. A process is signalled through a pidfd, opened and
then compared with what was seen: its number may have been used again (F46), a pidfd may not.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TypeVar

from fsm.actions.processes.kin import Kin, mark_of
from fsm.actions.processes.proc import Proc, look_at
from fsm.actions.processes.process import Process
from fsm.actions.processes.watch import Look

__all__ = ["end_tree", "remains"]

_FORCE_SECONDS = 10.0
_MOST_PIDFDS = 256

T = TypeVar("T")


def remains(process: Process, env: Mapping[str, str]) -> Sequence[Proc]:
    """What a step that ended by itself left running; `env` is what it was given.

    Looks only where there is a sign of something: a held output, a living group, a new orphan. A daemon
    that leaves none of these while other attempts run is missed here; `end_tree` looks at everything.
    """
    signs = process.output_is_held or process.has_orphans
    if process.has_orphans is None:
        signs = signs or _has_members(process.pid)
    if not signs:
        return ()
    look = Look(process.started, process.launcher.shim)
    return _kin(process, mark_of(env)).survey(look)


async def end_tree(
    process: Process, mark: frozenset[bytes], grace_seconds: float
) -> Sequence[Proc]:
    """End the leader and all that belongs to it. Raises what kept it from being started, if it was not.

    Asks first, with SIGTERM (and SIGCONT, so that the stopped hear it), and waits until all have gone, at
    most `grace_seconds`; then kills. A cancellation ends the asking; further ones change nothing. Returns
    those that were still there after ten seconds of killing; if they fork too fast, the last ones seen.
    """
    hurried = await process.launcher.hold_orphans(True)
    try:
        process.begun.result()  # the shim told it before it answered
        ending = _Ending(process, _kin(process, mark))
        try:
            if not hurried:
                with suppress(asyncio.CancelledError):
                    await ending.ask(grace_seconds)
            return await ending.force()
        finally:
            ending.close()
    finally:
        await process.launcher.hold_orphans(False)


def _kin(process: Process, mark: frozenset[bytes]) -> Kin:
    return Kin(process.pid, process.started, mark, process.launcher)


class _Ending:
    """The end of one attempt's processes: first kindly, then by force."""

    def __init__(self, process: Process, kin: Kin) -> None:
        self._process = process
        self._kin = kin
        self._loop = asyncio.get_running_loop()
        self._pidfds: dict[tuple[int, int], int] = {}

    async def ask(self, grace_seconds: float) -> None:
        """Ask each once to end, as it is found; returns when all have gone or the time is over."""
        deadline = self._loop.time() + grace_seconds
        # The group first, and at once: who is found in it later was asked, or is tidying up for one who was.
        self._process.signal_group(signal.SIGTERM)
        self._process.signal_group(signal.SIGCONT)
        asked: set[tuple[int, int]] = set()
        while alive := self._kin.survey(await asyncio.shield(self._look())):
            if self._loop.time() >= deadline:
                return
            for proc in alive:
                if proc.group != self._process.pid and proc[:2] not in asked:
                    asked.add(proc[:2])
                    self._send(proc, signal.SIGTERM)
                    self._send(proc, signal.SIGCONT)
            await self._gone(alive, deadline)

    async def force(self) -> Sequence[Proc]:
        """Kill until two walks in a row find nobody, not even one newly dead; who is left after too long."""
        deadline = self._loop.time() + _FORCE_SECONDS
        seen: Sequence[Proc] = ()
        while True:
            self._process.signal_group(signal.SIGKILL)
            alive = self._kin.survey(await _unbroken(self._look()))
            if self._kin.calm_looks >= 2:
                return ()
            seen = alive or seen
            if self._loop.time() >= deadline:
                return seen
            for proc in [*alive, *await self._stop(alive)]:
                self._send(proc, signal.SIGKILL)
            with suppress(asyncio.CancelledError):
                await self._gone(alive, deadline)

    def close(self) -> None:
        for fd in self._pidfds.values():
            os.close(fd)

    def _look(self) -> asyncio.Future[Look]:
        launcher = self._process.launcher
        return launcher.watch.look(self._process.started, launcher.shim)

    async def _stop(self, alive: Sequence[Proc]) -> Sequence[Proc]:
        """Stop these, and then every one that shows up: what is stopped cannot fork. Who was added.

        A process that forks the next and ends is caught by being quicker: only numbers that were not
        there before are looked at, and each is stopped before anything else is asked of it.
        """
        for proc in alive:
            self._send(proc, signal.SIGSTOP)
        added: list[Proc] = []

        def hold(proc: Proc) -> None:
            self._send(proc, signal.SIGSTOP)
            added.append(proc)

        watch = self._process.launcher.watch
        await _unbroken(watch.chase(lambda newcomer: self._kin.meets(newcomer, hold)))
        return added

    async def _gone(self, procs: Sequence[Proc], deadline: float) -> None:
        """Wait until all these have ended, or it is time to look again."""
        fds = {self._pidfd(proc) for proc in procs}
        patience = deadline - self._loop.time()
        if -1 in fds:
            patience = min(patience, 0.05)
        waiting = {fd for fd in fds if fd is not None and fd >= 0}
        all_gone = self._loop.create_future()

        def on_end(fd: int) -> None:
            self._loop.remove_reader(fd)
            waiting.discard(fd)
            if not (waiting or all_gone.done()):
                all_gone.set_result(None)

        for fd in waiting:
            self._loop.add_reader(fd, on_end, fd)
        if not waiting and -1 not in fds:
            all_gone.set_result(None)
        try:
            await asyncio.wait([all_gone], timeout=max(0.0, patience))
        finally:
            for fd in waiting:
                self._loop.remove_reader(fd)

    def _send(self, proc: Proc, number: signal.Signals) -> None:
        fd = self._pidfd(proc)
        with suppress(ProcessLookupError, PermissionError):
            if fd == -1:
                os.kill(proc.pid, number)
            elif fd is not None:
                signal.pidfd_send_signal(fd, number)

    def _pidfd(self, proc: Proc) -> int | None:
        """A descriptor of exactly that process: `None` if it is gone, -1 if no more can be opened."""
        key = proc[:2]
        if key in self._pidfds:
            return self._pidfds[key]
        fd = -1
        if len(self._pidfds) < _MOST_PIDFDS:
            try:
                fd = os.pidfd_open(proc.pid)
            except ProcessLookupError:
                return None
            except OSError:
                fd = -1
        now = look_at(proc.pid)
        if now is None or now.start != proc.start:
            if fd >= 0:
                os.close(fd)
            return None
        if fd >= 0:
            self._pidfds[key] = fd
        return fd


async def _unbroken(future: asyncio.Future[T]) -> T:
    """What comes of it, whoever cancels meanwhile."""
    while not future.done():
        with suppress(asyncio.CancelledError):
            await asyncio.wait([future])
    return future.result()


def _has_members(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
