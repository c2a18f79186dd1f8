"""Two runners that want the same run at the same moment, over and over: one gets it, the other is refused.

Before every other race the run's holder is killed, else it lets the run go; so it also shows what a takeover
from the dead costs beside taking what is free. All are processes forked from a warm parent, each with a store
of its own.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, ExitStack, closing, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Barrier, Event
from pathlib import Path
from statistics import median
from time import monotonic
from unittest.mock import patch

from fsm.app.workspace import Workspace
from fsm.engine.ports import RunSummary
from fsm.errors import Conflict, Held
from fsm.run.events import RunCreated, RunStarted
from fsm.stores.redis.journal import RedisJournal
from fsm.stores.redis.store import RedisStore

from .case import place

__all__ = ["WITHIN_MS", "Races", "race"]

WITHIN_MS = 50.0
"""In which a dead runner's run is taken over, in the middle of all races."""

_PATIENCE_SECONDS = 30.0
_RUN, _DOCUMENT = "run-1", b"{}"
_FORK = get_context("fork")


@dataclass
class Races:
    """What came of them: how long the winners took, in milliseconds, and what went wrong."""

    store: str
    raced: int = 0
    killed: int = 0
    after_death: list[float] = field(default_factory=list)
    after_release: list[float] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        dead, free = self.after_death or [0.0], self.after_release or [0.0]
        return (
            f"{self.store}: {self.raced} races, {self.killed} after a verified kill, "
            f"{len(self.problems)} with a violation; taken from the dead in {median(dead):.1f} ms, "
            f"at most {max(dead):.1f}, when let go in {median(free):.1f} ms, at most {max(free):.1f}"
        )


def race(store: str, times: int, *, broken: bool = False) -> Races:
    """Race so often for a run in an empty store of that kind; at most to the first violation.

    `broken`: nobody's lock keeps anybody out.
    """
    races = Races(store)
    with place(store) as (folder, url), ExitStack() as broken_here:
        for each in _unlocked() if broken else ():
            broken_here.enter_context(each)
        with closing(Workspace(folder, url).store) as opened:
            digest = sha256(_DOCUMENT).hexdigest()
            summary = RunSummary(_RUN, "plan", "plan", digest, "running", 1.0, 1.0)
            opened.create(summary, _DOCUMENT, [RunCreated(digest=digest)]).close()
        gate, over = _FORK.Barrier(3), _FORK.Event()
        for number in range(times):
            over.clear()
            _race(races, folder, url, gate, over, dies=number % 2 == 0)
            if races.problems:
                return races
        with closing(Workspace(folder, url).store) as opened:
            epochs = [record.epoch for record in opened.load(_RUN).records]
        if epochs != [1, *(2 * number + 3 for number in range(times))]:
            races.problems.append(f"I20: not one record for each winner: {epochs}")
    return races


def _race(races: Races, folder: Path, url: str, gate: Barrier, over: Event, *, dies: bool) -> None:
    holder, told = _begin(_hold, folder, url)
    racers = [_begin(_take, folder, url, gate, over) for _ in range(2)]
    for _, ready in ((holder, told), *racers):
        ready.recv()
    if dies:
        holder.kill()
    else:
        told.send("let it go")
    holder.join()
    gate.wait(_PATIENCE_SECONDS)
    answers = [(racer.pid, *answer.recv()) for racer, answer in racers]
    over.set()
    for racer, _ in racers:
        racer.join()
    races.raced += 1
    races.killed += holder.exitcode == -signal.SIGKILL
    if holder.exitcode != (-signal.SIGKILL if dies else 0):
        races.problems.append(f"the holder ended with {holder.exitcode}")
    winners = [(pid, took) for pid, owner, took in answers if owner is None]
    losers = [owner for _, owner, _ in answers if owner is not None]
    if len(winners) != 1 or losers[0] not in (winners[0][0], 0):
        races.problems.append(f"F48: of {answers} not one has won, and been named to the other")
    (races.after_death if dies else races.after_release).extend(took for _, took in winners)


def _hold(folder: Path, url: str, pipe: Connection) -> None:
    with closing(Workspace(folder, url).store) as store, closing(store.acquire(_RUN)):
        pipe.send("held")
        pipe.recv()


def _take(folder: Path, url: str, gate: Barrier, over: Event, pipe: Connection) -> None:
    """Says who has the run (None: this process), and after how many milliseconds it knew."""
    with closing(Workspace(folder, url).store) as store:
        store.runs()
        pipe.send("ready")
        gate.wait(_PATIENCE_SECONDS)
        began = monotonic()
        try:
            journal = store.acquire(_RUN)
        except Held as held:
            pipe.send((held.pid, 0.0))
            return
        took = (monotonic() - began) * 1000
        with closing(journal):
            pipe.send((None, took))
            with suppress(Conflict):  # then its record is missed at the end
                journal.append([RunStarted()], at=2.0, state="running")
            over.wait(_PATIENCE_SECONDS)


def _begin(work: Callable[..., None], *told: object) -> tuple[BaseProcess, Connection]:
    ours, theirs = _FORK.Pipe()
    process = _FORK.Process(target=work, args=(*told, theirs))
    process.start()
    theirs.close()
    return process, ours


def _unlocked() -> Iterable[AbstractContextManager[object]]:
    acquire = RedisStore.acquire

    def take_away(store: RedisStore, run_id: str) -> RedisJournal:
        store._server._client(writing=True).delete(store.address.key("lease", run_id))
        return acquire(store, run_id)

    return (
        patch("fsm.stores.lock._try", return_value=True),
        patch("fsm.stores.lock._stands", return_value=True),
        patch.object(RedisStore, "acquire", take_away),
    )
