"""What steps of a runner that died are still doing; and waiting for it, or ending it."""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from typing import NamedTuple

from fsm.actions.output.masking import Masker
from fsm.actions.processes.kin import mark_of
from fsm.actions.processes.proc import all_pids, boot_id, command_line, look_at, marks

__all__ = ["InFlight", "Survivor", "end", "survivors", "wait_for"]

_FORCE_SECONDS = 10.0


class InFlight(NamedTuple):
    """An attempt that the journal says is in flight; `process` is `PID START BOOT`, if that was recorded."""

    step: str
    attempt: int
    process: str


_Marked = Mapping[frozenset[bytes], InFlight]


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


def survivors(
    run_id: str, attempts: Iterable[InFlight], secrets: Sequence[bytes] = ()
) -> list[Survivor]:
    """Every living process of these attempts of the run (F45).

    Those that carry an attempt's mark, the one that the journal or the ledger names, and all their
    descendants and sessions. The number of a process alone is never believed: it may have been used again
    (F46). Among their arguments `secrets` are masked.
    """
    by_mark = {
        mark_of(
            {"FSM_RUN_ID": run_id, "FSM_STEP_ID": each.step, "FSM_ATTEMPT": str(each.attempt)}
        ): each
        for each in attempts
    }
    if not by_mark:
        return []
    recorded = {each.process: each for each in by_mark.values() if each.process}
    named = {process.partition(" ")[0] for process in recorded}
    pids, carriers = _all_and_carriers(by_mark)
    if not carriers and named.isdisjoint(map(str, pids)):
        return []  # as nearly always: whose parent and session each has need not be known
    boot = boot_id()
    table = {pid: proc for pid in pids if (proc := look_at(pid)) is not None and proc.running}
    kin: dict[int, InFlight] = {}
    for pid, proc in table.items():
        attempt = recorded.get(f"{pid} {proc.start} {boot}") or carriers.get(pid)
        if attempt is not None:
            kin[pid] = attempt
    grows = bool(kin)
    while grows:  # numbers start again from the bottom: a child may stand before its parent
        near = {
            pid: kin.get(proc.parent) or kin[proc.session]
            for pid, proc in table.items()
            if pid not in kin and (proc.parent in kin or proc.session in kin)
        }
        kin |= near
        grows = bool(near)
    masker = Masker(secrets)
    return [
        Survivor(each.step, each.attempt, pid, table[pid].start, boot, command_line(pid, masker))
        for pid, each in kin.items()
    ]


def _all_and_carriers(attempts: _Marked) -> tuple[Collection[int], Mapping[int, InFlight]]:
    """The numbers of all processes but this one, and which of them carry the mark of which attempt.

    Each is looked at once; then those that are new, as one may have begun another and ended before his turn.
    """
    us = os.getpid()
    pids = {pid for pid in all_pids() if pid != us}
    carriers = _carriers(pids, attempts)
    while fresh := {pid for pid in all_pids() if pid != us} - pids:
        pids |= fresh
        found = _carriers(fresh, attempts)
        carriers |= found
        if not found:
            break
    return pids, carriers


def _carriers(pids: Iterable[int], attempts: _Marked) -> dict[int, InFlight]:
    of_all = frozenset.intersection(*attempts)
    return {
        pid: each
        for pid in pids
        if of_all <= (carried := marks(pid))
        for mark, each in attempts.items()
        if mark <= carried
    }


def wait_for(look: Callable[[], Sequence[Survivor]]) -> None:
    """Return when nobody is left."""
    while alive := look():
        _gone(alive, None)


def end(look: Callable[[], Sequence[Survivor]], grace_seconds: float) -> Sequence[Survivor]:
    """Ask them to end, and after the grace period kill them; those that are there ten seconds later.

    Whoever was seen once is known from then on, although his parent has ended.
    """
    known: dict[tuple[int, int], Survivor] = {}

    def left() -> Sequence[Survivor]:
        known.update(((each.pid, each.start), each) for each in look())
        return [each for each in known.values() if _runs(each)]

    for number, seconds in ((signal.SIGTERM, grace_seconds), (signal.SIGKILL, _FORCE_SECONDS)):
        until = time.monotonic() + seconds
        while (alive := left()) and time.monotonic() < until:
            _gone(alive, until, number)
    return left()


def _runs(survivor: Survivor) -> bool:
    proc = look_at(survivor.pid)
    return proc is not None and proc.running and proc.start == survivor.start


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
