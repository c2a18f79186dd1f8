"""Who belongs to one attempt of a step, among all processes of the machine.

Of those that started after its leader: the leader, those in a session of it, those that carry its mark
(its FSM_… variables) in their environment, and all their descendants. If no other attempt is in flight,
also every orphan that has come to the shim: then a daemon that cleared its environment and made its own
session cannot hide either.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from typing import TypeGuard

from fsm.actions.processes.launcher import Launcher
from fsm.actions.processes.proc import MARKS, Proc, look_at
from fsm.actions.processes.watch import Look, Newcomer

__all__ = ["Kin", "mark_of"]

_NOBODY = 0
"""A process that is not known, as the shim is gone; and to a container, the parent and the session of what
came from outside of it."""


def mark_of(env: Mapping[str, str]) -> frozenset[bytes]:
    """The entries of a step's environment that, together, no other attempt's processes carry."""
    return frozenset(os.fsencode(f"{name}={env[name]}") for name in MARKS if name in env)


class Kin:
    """The processes of one attempt, as far as they have been seen.

    `leader` is the number of its first process, `since` the clock tick before it started. `calm_looks`
    counts the latest looks, in a row, that found nobody who runs, is new, or is on the way to another parent.
    After one such look somebody may yet be there: born, while it was made, of one who had ended before his
    turn came to be looked at. After two there is nobody.
    """

    def __init__(self, leader: int, since: int, mark: frozenset[bytes], launcher: Launcher) -> None:
        self._launcher = launcher
        self._leader = leader
        self._since = since
        self._mark = mark
        self._run_mark = frozenset(entry for entry in mark if entry.startswith(b"FSM_RUN_ID="))
        self._ours = {os.getpid(), launcher.shim}
        self._our_sessions = {os.getsid(0), launcher.shim}
        self._sessions = {leader} - {_NOBODY}
        self._starts: dict[int, int] = {}
        self._pids: set[int] = set()
        self.calm_looks = 0

    def survey(self, look: Look) -> list[Proc]:
        """Those of this attempt that run, by that look; each look is surveyed once."""
        self.calm_looks += 1
        self._pids = look.pids
        known = [proc for pid in self._starts if self._is_known(proc := look.table.get(pid))]
        leader = look.table.get(self._leader)
        near = [*known, *look.carriers(self._mark), *self._orphans(look)]
        near += [leader] if leader is not None else []
        near += [proc for session in self._sessions for proc in look.members[session]]
        kin: dict[int, Proc] = {}
        while near:
            proc = near.pop()
            if proc.pid not in kin and self._comes_into_question(proc):
                kin[proc.pid] = proc
                near += look.children[proc.pid]
                if self._admit(proc):
                    near += look.members[proc.session]
        return self._alive(sorted(kin.values()))

    def meets(self, newcomer: Newcomer, hold: Callable[[Proc], None]) -> bool:
        """Whether this one, who was not there at the latest look, is of this attempt; if so, `hold` is called
        before anything else is asked of it."""
        proc = newcomer.proc
        if not self._comes_into_question(proc):
            return False
        if not proc.running and self._is_known(proc):
            self._pids.discard(proc.pid)  # its number may be used again once it is reaped
            return False
        if not (self._is_related(newcomer) or self._came_to_us(proc, newcomer.marks)):
            return False
        hold(proc)
        self._admit(proc)
        self._alive([proc])
        return True

    def _comes_into_question(self, proc: Proc) -> bool:
        return (
            proc.start >= self._since
            and proc.pid not in self._ours
            and (proc.pid == self._leader or not self._launcher.is_leader(proc.pid))
        )

    def _is_known(self, proc: Proc | None) -> TypeGuard[Proc]:
        return proc is not None and self._starts.get(proc.pid) == proc.start

    def _admit(self, proc: Proc) -> bool:
        """Take it for kin, and whoever is in its session; whether that is a new one."""
        if not self._is_known(proc):
            self._starts[proc.pid] = proc.start
            self.calm_looks = 0
        if proc.session in self._our_sessions or proc.session in self._sessions:
            return False
        self._sessions.add(proc.session)
        return True

    def _is_related(self, newcomer: Newcomer) -> bool:
        proc = newcomer.proc
        if proc.pid == self._leader or proc.session in self._sessions or self._is_known(proc):
            return True
        if proc.parent in self._starts and self._is_known(look_at(proc.parent)):
            return True
        return bool(proc.running and self._mark and self._mark <= newcomer.marks(proc.pid))

    def _orphans(self, look: Look) -> list[Proc]:
        """Those that have come to us. They are told to one attempt alone: of several that are ended, each
        that is the last has the same right to them."""
        if not self._is_alone():
            return []
        ours = [each for each in look.orphans if self._came_to_us(each, look.marks)]
        look.orphans = [each for each in look.orphans if each.start < self._since]
        return ours

    def _is_alone(self) -> bool:
        return self._launcher.shim != _NOBODY and self._launcher.leaders.keys() <= {self._leader}

    def _came_to_us(self, proc: Proc, marks: Callable[[int], frozenset[bytes]]) -> bool:
        """Whether it is an orphan that no other attempt in flight, and no other step's service, left."""
        return (
            self._is_alone()
            and proc.parent == self._launcher.shim
            and proc.session not in self._our_sessions
            and not (self._run_mark and self._run_mark <= marks(proc.pid))
        )

    def _alive(self, kin: Iterable[Proc]) -> list[Proc]:
        """Those that run."""
        alive = []
        for proc in kin:
            if proc.running:
                alive.append(proc)
                self.calm_looks = 0
            elif proc.parent == self._launcher.shim:
                self._launcher.reap(proc.pid)
                self._pids.discard(proc.pid)
            elif proc.parent in self._starts:
                self.calm_looks = 0  # its parent has not quite ended; then it may come to us
        return alive
