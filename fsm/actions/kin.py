"""Who belongs to one attempt of a step, among all processes of the machine.

Of those that started after its leader: the leader, those in a session of it, those that carry its mark
(its FSM_… variables) in their environment, and all their descendants. If no other attempt is in flight,
also every orphan that has come to the shim: then a daemon that cleared its environment and made its own
session cannot hide either.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping

from fsm.actions.launcher import Launcher
from fsm.actions.proc import Proc, all_pids, carries, look_at

__all__ = ["Kin", "mark_of"]

_NOBODY = 0
"""A process that is not known, as the shim is gone; and to a container, the parent and the session of what
came from outside of it."""

_MARKS = ("FSM_RUN_ID", "FSM_STEP_ID", "FSM_ATTEMPT", "FSM_OUTPUT")


def mark_of(env: Mapping[str, str]) -> frozenset[bytes]:
    """The entries of a step's environment that, together, no other attempt's processes carry."""
    return frozenset(os.fsencode(f"{name}={env[name]}") for name in _MARKS if name in env)


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
        self._looked_at: set[int] = set()
        self.calm_looks = 0

    def survey(self) -> list[Proc]:
        """Walk all processes: those of this attempt that run."""
        pids = all_pids()
        self._looked_at = set(pids)
        table = {pid: proc for pid in pids if (proc := look_at(pid)) is not None}
        self.calm_looks += 1
        kin: list[Proc] = []
        others = [proc for proc in table.values() if self._comes_into_question(proc)]
        grows = True
        while grows:  # numbers start again from the bottom: a child may stand before its parent
            found = [proc for proc in others if self._admits(proc, table.get)]
            others = [proc for proc in others if self._starts.get(proc.pid) != proc.start]
            kin += found
            grows = bool(found)
        return self._alive(kin)

    def newcomers(
        self, hold: Callable[[Proc], None], let_go: Callable[[Proc], None]
    ) -> tuple[list[Proc], bool]:
        """Those of this attempt that were not there at the last look and run; and whether any was new.

        Each that may be one is given to `hold` as soon as it is seen, and to `let_go` if it is not one.
        """
        fresh = [pid for pid in all_pids() if pid not in self._looked_at]
        self._looked_at.update(fresh)
        kin: list[Proc] = []
        for pid in fresh:
            proc = look_at(pid)
            if proc is None or not self._comes_into_question(proc):
                continue
            if not proc.running and self._starts.get(pid) == proc.start:
                self._looked_at.discard(pid)  # its number may be used again once it is reaped
                continue
            if self._is_related(proc, look_at) or self._came_to_us(proc):
                hold(proc)
                if self._admits(proc, look_at):
                    kin.append(proc)
                else:
                    let_go(proc)
        return self._alive(kin), bool(kin)

    def _comes_into_question(self, proc: Proc) -> bool:
        others_leader = proc.pid in self._launcher.leaders and proc.pid != self._leader
        return proc.start >= self._since and proc.pid not in self._ours and not others_leader

    def _admits(self, proc: Proc, look: Callable[[int], Proc | None]) -> bool:
        """Whether the process is kin; if so, its session and its children will be."""
        if not (self._is_related(proc, look) or self._came_to_us(proc)):
            return False
        if self._starts.get(proc.pid) != proc.start:
            self._starts[proc.pid] = proc.start
            self.calm_looks = 0
        if proc.session not in self._our_sessions:
            self._sessions.add(proc.session)
        return True

    def _is_related(self, proc: Proc, look: Callable[[int], Proc | None]) -> bool:
        if proc.pid == self._leader or proc.session in self._sessions:
            return True
        if self._starts.get(proc.pid) == proc.start:
            return True
        if proc.parent in self._starts:
            parent = look(proc.parent)
            if parent is not None and parent.start == self._starts[parent.pid]:
                return True
        return proc.running and carries(proc.pid, self._mark)  # the dead have no environment

    def _came_to_us(self, proc: Proc) -> bool:
        """Whether it is an orphan that no other attempt in flight, and no other step's service, left."""
        return (
            proc.parent == self._launcher.shim != _NOBODY
            and proc.session not in self._our_sessions
            and self._launcher.leaders.keys() <= {self._leader}
            and not carries(proc.pid, self._run_mark)
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
                self._looked_at.discard(proc.pid)
            elif proc.parent in self._starts:
                self.calm_looks = 0  # its parent has not quite ended; then it may come to us
        return alive
