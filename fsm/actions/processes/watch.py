"""Looks at all processes of the machine, shared by all who need one at the same moment.

Hundreds of steps may be ended at once: were each to look for itself, that would cost the square of their
number.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import cache, cached_property

from fsm.actions.processes.proc import Proc, all_pids, look_at, marks

__all__ = ["Look", "Newcomer", "Watch"]

_CHASE_SECONDS = 0.2


class Look:
    """All processes as they were a moment ago, and what those have in common that began at `since` or later.

    `since` is in clock ticks since boot, and `orphans` are the children of `shim`. `pids` are the numbers
    that were in use; `table` has the processes by number, `members` by session, `children` by parent.
    """

    def __init__(self, since: int, shim: int) -> None:
        pids = all_pids()
        self.pids = set(pids)
        self.table = {pid: proc for pid in pids if (proc := look_at(pid)) is not None}
        self.members: defaultdict[int, list[Proc]] = defaultdict(list)
        self.children: defaultdict[int, list[Proc]] = defaultdict(list)
        self._young = [proc for proc in self.table.values() if proc.start >= since]
        for proc in self._young:
            self.members[proc.session].append(proc)
            self.children[proc.parent].append(proc)
        self.orphans = self.children[shim].copy()

    def carriers(self, mark: frozenset[bytes]) -> Iterable[Proc]:
        """Those that run and were started with all these entries in their environment."""
        bearers = sorted((self._bearers[entry] for entry in mark), key=len)
        return [self.table[pid] for pid in set.intersection(*bearers)] if bearers else ()

    def marks(self, pid: int) -> frozenset[bytes]:
        """What a process carries that began at `since` or later: see `fsm.actions.processes.proc.marks`."""
        return self._marks.get(pid, frozenset())

    @cached_property
    def _marks(self) -> dict[int, frozenset[bytes]]:
        return {proc.pid: marks(proc.pid) for proc in self._young if proc.running}

    @cached_property
    def _bearers(self) -> defaultdict[bytes, set[int]]:
        """The numbers of those that carry each entry."""
        bearers: defaultdict[bytes, set[int]] = defaultdict(set)
        for pid, entries in self._marks.items():
            for entry in entries:
                bearers[entry].add(pid)
        return bearers


class Newcomer:
    """A process that was not there at the last look; `marks` reads what it carries, once."""

    def __init__(self, proc: Proc) -> None:
        self.proc = proc
        self.marks = cache(marks)


class Watch:
    """Shares each look among all who ask before the loop comes round to it: it begins after they asked."""

    def __init__(self) -> None:
        self._round: _Round | None = None
        self._latest: Look | None = None

    def look(self, since: int, shim: int) -> asyncio.Future[Look]:
        """A new look; see `Look`."""
        coming = self._coming()
        coming.since.append(since)
        coming.shim = shim
        return coming.looked

    def chase(self, meet: Callable[[Newcomer], bool]) -> asyncio.Future[None]:
        """Done when nobody new was met, or after too long.

        `meet` is called at once with each process that was not there at the latest look, and says whether
        it was one to look for. To be asked for as soon as that look is there.
        """
        coming = self._coming()
        coming.meet.append(meet)
        return coming.chased

    def _coming(self) -> _Round:
        loop = asyncio.get_running_loop()
        if self._round is None or self._round.loop is not loop:
            self._round = _Round(loop)
            loop.call_soon(self._carry_out, self._round)
        return self._round

    def _carry_out(self, coming: _Round) -> None:
        self._round = None
        try:
            if coming.meet and self._latest is not None:
                _chase(self._latest, coming.meet)
            coming.chased.set_result(None)
            if coming.since:
                self._latest = Look(min(coming.since), coming.shim)
                coming.looked.set_result(self._latest)
        except BaseException as error:
            for future in (coming.chased, coming.looked):
                if not future.done():
                    future.set_exception(error)
                    future.exception()  # whoever asked is told; perhaps nobody has


class _Round:
    """What was asked for since the loop came round last."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.since: list[int] = []
        self.shim = 0
        self.meet: list[Callable[[Newcomer], bool]] = []
        self.looked: asyncio.Future[Look] = loop.create_future()
        self.chased: asyncio.Future[None] = loop.create_future()


def _chase(look: Look, meet: Iterable[Callable[[Newcomer], bool]]) -> None:
    until = time.monotonic() + _CHASE_SECONDS
    any_new = True
    while any_new and time.monotonic() < until:
        any_new = False
        for pid in all_pids():
            if pid in look.pids:
                continue
            look.pids.add(pid)
            if (proc := look_at(pid)) is not None:
                newcomer = Newcomer(proc)
                any_new |= any(each(newcomer) for each in meet)
