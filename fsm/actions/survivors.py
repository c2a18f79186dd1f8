"""What steps of a runner that died are still doing; and waiting for it, or ending it."""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack, suppress
from typing import NamedTuple

from fsm.actions.kin import mark_of
from fsm.actions.proc import all_pids, boot_id, carries, command_line, look_at

__all__ = ["InFlight", "Survivor", "end", "survivors", "wait_for"]

_FORCE_SECONDS = 10.0


class InFlight(NamedTuple):
    """An attempt that the journal says is in flight; `process` is `PID START BOOT`, if that was recorded."""

    step: str
    attempt: int
    process: str


class Survivor(NamedTuple):
    """A process of such an attempt that runs; `start` is in clock ticks since boot, `boot` names that."""

    step: str
    attempt: int
    pid: int
    start: int
    boot: str
    command: str

    def __str__(self) -> str:
        return f"pid {self.pid} of step {self.step}: {self.command}"


def survivors(run_id: str, attempts: Iterable[InFlight]) -> list[Survivor]:
    """Every living process of these attempts of the run (F45): told by its mark, or by the journal.

    The number of a process alone is never believed: it may have been used again (F46).
    """
    marks = {
        mark_of(
            {"FSM_RUN_ID": run_id, "FSM_STEP_ID": each.step, "FSM_ATTEMPT": str(each.attempt)}
        ): each
        for each in attempts
    }
    recorded = {each.process: each for each in marks.values() if each.process}
    boot = boot_id()
    found = []
    for pid in all_pids() if marks else ():
        proc = look_at(pid) if pid != os.getpid() else None
        if proc is None or not proc.running:
            continue
        attempt = recorded.get(f"{pid} {proc.start} {boot}") or next(
            (each for mark, each in marks.items() if carries(pid, mark)), None
        )
        if attempt is not None:
            found.append(
                Survivor(attempt.step, attempt.attempt, pid, proc.start, boot, command_line(pid))
            )
    return found


def wait_for(look: Callable[[], Sequence[Survivor]]) -> None:
    """Return when nobody is left."""
    while alive := look():
        _gone(alive, None)


def end(look: Callable[[], Sequence[Survivor]], grace_seconds: float) -> Sequence[Survivor]:
    """Ask them to end, and after the grace period kill them; those that are there ten seconds later."""
    for number, seconds in ((signal.SIGTERM, grace_seconds), (signal.SIGKILL, _FORCE_SECONDS)):
        until = time.monotonic() + seconds
        while (alive := look()) and time.monotonic() < until:
            _gone(alive, until, number)
    return look()


def _gone(
    alive: Sequence[Survivor], until: float | None, number: signal.Signals | None = None
) -> None:
    """Signal all of them, and wait until they have ended, or until then."""
    with ExitStack() as descriptors:
        waiting = set()
        poller = select.poll()
        for each in alive:
            try:
                fd = os.pidfd_open(each.pid)
            except ProcessLookupError:
                continue
            descriptors.callback(os.close, fd)
            proc = look_at(each.pid)
            if proc is None or proc.start != each.start:
                continue
            if number is not None:
                with suppress(ProcessLookupError, PermissionError):
                    signal.pidfd_send_signal(fd, number)
                    signal.pidfd_send_signal(fd, signal.SIGCONT)
            poller.register(fd, select.POLLIN)
            waiting.add(fd)
        while waiting:
            patience = None if until is None else max(0.0, until - time.monotonic()) * 1000
            ended = poller.poll(patience)
            if not ended:
                return
            for fd, _ in ended:
                poller.unregister(fd)
                waiting.discard(fd)
