"""One case: a scenario, and where its processes are killed; told as one line of text.

    SCENARIO@STORE: LIFE POINT NTH, LIFE POINT NTH …    forward@json: begin append:write 3, again load:done 1

A kill waits for a life of its kind; `again` is any life after a death, so that recovery itself is killed
(F10). When all kills have happened, a person brings the run to its goal. Every death is verified: the
process wrote and synced which point it was about to die at, and the signal it died of is that one; of a life
that was ended from outside, see `traced.py`.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from fsm.errors import FsmError

from .backends import BACKENDS
from .checks import EXIT_CODES, after_a_life, after_taking_up, at_the_end
from .controls import CONTROLS, EVERYWHERE, Patches
from .life import COUNTS, PRINTED, Ended, lead, lead_really
from .look import Look, look
from .person import Life, next_life
from .points import CROSSED, Kill
from .scenarios import PLANS, SCENARIOS, Scenario
from .traced import CALL, FAIL, INSTANT, lead_from_outside
from .watched import TAKEN_UP

__all__ = ["Case", "Verdict", "census", "place", "run_case"]

_MOST_LIVES = 25
_REFUSED, _UNAVAILABLE = 6, 7
_IN_STEP = "step:"


@dataclass(frozen=True)
class Case:
    scenario: str
    store: str
    kills: tuple[Kill, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Case:
        name, _, kills = text.partition(":")
        scenario, _, store = name.partition("@")
        store = store or next(iter(BACKENDS))
        return cls(
            scenario, store, tuple(Kill.parse(kill) for kill in kills.split(",") if kill.strip())
        )

    def __str__(self) -> str:
        return f"{self.scenario}@{self.store}: {', '.join(map(str, self.kills))}"


@dataclass
class Verdict:
    """What became of a case. `failed` counts calls that did, and nobody died of it.

    `missed` is the kill that no process came to, if one is left over.
    """

    case: str
    problems: list[str] = field(default_factory=list)
    lives: list[str] = field(default_factory=list)
    killed: int = 0
    torn: int = 0
    failed: int = 0
    missed: str = ""

    @property
    def happened(self) -> int:
        """All that was done to its processes."""
        return self.killed + self.torn + self.failed


def run_case(case: Case, control: str = "") -> Verdict:
    """Lead the run through its deaths to its goal. `control` names a way in which the engine is broken."""
    broken = CONTROLS[control]() if control else ()
    with place(case.store) as (folder, url), ExitStack() as broken_here:
        if control in EVERYWHERE:
            for each in broken:
                broken_here.enter_context(each)
        story = _Story(case, folder, url, () if control in EVERYWHERE else broken)
        story.control = control
        try:
            story.tell()
        except (FsmError, AssertionError) as error:
            story.verdict.problems.append(f"{type(error).__name__}: {error}")
        if story.verdict.problems and (folder / PRINTED).exists():
            story.verdict.lives.append((folder / PRINTED).read_text()[-3000:])
        return story.verdict


@cache
def census(scenario: str, store: str) -> Mapping[str, Mapping[str, int]]:
    """By kind of life, how often each point is crossed when nobody kills. Nothing of it is really `fsm`."""
    with place(store) as (folder, url):
        story = _Story(Case(scenario, store), folder, url)
        story.forks_only = True
        story.tell()
        assert not story.verdict.problems, story.verdict
        return story.counts


class _Story:
    def __init__(self, case: Case, folder: Path, url: str, broken: Patches = ()) -> None:
        self.verdict = Verdict(str(case))
        self.counts: dict[str, dict[str, int]] = {}
        self.forks_only = False
        self.control = ""
        self._scenario: Scenario = SCENARIOS[case.scenario]
        self._kills = [_counted(case, kill) for kill in case.kills]
        self._asks_first = sum(kill.nth for kill in self._kills) % 2 == 1
        self._folder = folder
        self._url = url
        self._broken = broken
        shutil.copy(self._scenario.path, folder / "plan.yaml")
        shutil.copy(PLANS / "effect.sh", folder)

    def tell(self) -> None:
        seen = Look(0, (), (), ())
        for _ in range(_MOST_LIVES):
            life = next_life(self._scenario, seen, asks_first=self._asks_first)
            if life is None:
                break
            seen = self._lead(life, seen)
            if self.verdict.problems:
                return
        if self._kills:
            self.verdict.missed = str(self._kills[0])
        elif self.verdict.lives[-1].endswith(": died"):
            # F07: it died after all was done. Whoever resumes it all the same is refused.
            seen = self._lead(Life("resume"), seen, refused=True)
        self.verdict.problems += at_the_end(self._scenario, seen)

    def _lead(self, life: Life, seen: Look, *, refused: bool = False) -> Look:
        """One life, and what is there to see after it. `refused`: it asks what may not happen any more."""
        kill = self._kills[0] if self._kills and self._is_due(self._kills[0], life) else None
        for name in (CROSSED, TAKEN_UP, COUNTS):
            (self._folder / name).unlink(missing_ok=True)
        ended = self._by_whom(life, kill)
        befallen = kill if self._verify(kill, ended) else None
        fails = befallen is not None and befallen.point.startswith(FAIL)
        died = befallen is not None and not fails
        how = f", {befallen}: {'failed' if fails else 'died'}" if befallen else ""
        self.verdict.lives.append(f"{life}{how}")
        with suppress(FileNotFoundError):
            self.counts[life.kind] = json.loads((self._folder / COUNTS).read_text())
        now = look(self._folder, self._url, self._scenario.plan)
        problems = list(after_a_life(self._scenario, seen, now))
        if (self._folder / TAKEN_UP).exists():
            shown = json.loads((self._folder / TAKEN_UP).read_text())
            problems += after_taking_up(seen, shown)
        if not died:
            says = 0 if life.kind in {"approve", "mark"} else EXIT_CODES.get(now.state, -1)
            expected = {_REFUSED if refused else says, *([_UNAVAILABLE] if fails else [])}
            if ended.code not in expected:
                problems.append(f"I18: exit code {ended.code}, and the run is {now.state}")
        if fails and "Traceback" in (self._folder / PRINTED).read_text():
            problems.append("F19: a failure is told by a traceback")
        self.verdict.problems += [f"{problem} (after `{life}`)" for problem in problems]
        return now

    def _is_due(self, kill: Kill, life: Life) -> bool:
        return kill.life == life.kind or (kill.life == "again" and self.verdict.happened > 0)

    def _by_whom(self, life: Life, kill: Kill | None) -> Ended:
        if kill is not None and kill.point.startswith((CALL, FAIL, INSTANT)):
            return lead_from_outside(life, self._folder, self._url, kill, self.control)
        in_step = kill is not None and kill.point.startswith(_IN_STEP)
        if kill is not None and in_step:
            _, verb, step = kill.point.split(":")
            (self._folder / f"arm.{verb}.{step}").touch()
        is_real = self._scenario.real and kill is None and not (self.forks_only or self._broken)
        if in_step or is_real:
            return lead_really(life, self._folder, self._url)
        return lead(life, self._folder, self._url, kill, self._broken)

    def _verify(self, kill: Kill | None, ended: Ended) -> bool:
        """Whether the process was killed, or its call failed, there and then."""
        word = self._folder / CROSSED
        if kill is None or not word.exists():
            return False
        assert word.read_text().strip() == f"{kill.point} {kill.nth} {ended.pid}", word.read_text()
        if kill.point.startswith(FAIL):
            self._kills.pop(0)
            self.verdict.failed += 1
            return True
        assert ended.code == -kill.signal, f"{kill} was not killed: it ended with {ended.code}"
        self._kills.pop(0)
        if kill.point.endswith(":torn"):
            self.verdict.torn += 1
        else:
            self.verdict.killed += 1
        return True


def _counted(case: Case, kill: Kill) -> Kill:
    """The kill with its crossing counted from the first one."""
    if kill.nth > 0:
        return kill
    crossings = census(case.scenario, case.store)[kill.life][kill.point]
    return Kill(kill.life, kill.point, max(1, crossings + 1 + kill.nth))


@contextmanager
def place(store: str) -> Iterator[tuple[Path, str]]:
    """A folder and the URL of an empty store in it.

    In memory if there is such a place: no death of a process loses what it wrote.
    """
    memory = "/dev/shm"  # where a sync costs nothing
    where = memory if os.access(memory, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="fsm-crash-", dir=where) as name:
        folder = Path(name)
        with BACKENDS[store](folder) as url:
            yield folder, url
