"""The cases of a sweep: every crossing of every point, and recovery killed over and over.

From outside, every system call by which something comes to last, its failure, and any moment of the clock.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from random import Random

from .case import Case, Verdict, census, run_case
from .points import Kill
from .scenarios import SCENARIOS
from .traced import CALL, CALLS, FAIL, FAILURES, INSTANT

__all__ = ["Track", "sweep", "tracks", "tracks_outside"]

_RECOVERY = (
    *("acquire:before", "acquire:torn", "acquire:noting", "acquire:done"),
    *("load:from_checkpoint", "load:done", "taken:up", "recollected", "recorded"),
    *("append:torn", "append:noting", "append:done", "keep:before", "keep:torn", "keep:done"),
    *("observed", "launch:done", "act:begun", "act:done", "outcome:made"),
)
_OF_STORE = {
    "sqlite": (
        *("acquire:BEGIN", "acquire:UPDATE", "acquire:COMMIT", "load:BEGIN"),
        *("append:BEGIN", "append:INSERT", "append:COMMIT", "keep:DELETE", "keep:COMMIT"),
    ),
    "json": (
        *("acquire:fill", "acquire:ftruncate", "acquire:write", "acquire:fsync"),
        *("append:write", "append:fsync", "keep:fill", "keep:rename", "keep:unlink", "keep:fsync"),
    ),
    "redis": (
        *("acquire:send", "acquire:sent", "acquire:answered", "load:sent"),
        *("append:send", "append:sent", "append:answered", "keep:sent", "keep:answered"),
    ),
}
"""The points of taking a run up and of the first it does then; those of each store beside those of all."""
_BEFORE_RECOVERY = (("act:begun", 2), ("act:done", -2), ("append:noting", -2), ("append:torn", -2))
_STEPS = ("step:started:b", "step:did:a", "step:did:c", "step:undoing:c", "step:undid:b")

_IN_MID_RUN = Kill("begin", f"{CALL}sendmsg", 2)
"""Where recovery begins that is killed from outside: the second step is about to be launched."""
_INSTANTS, _LONGEST_LIFE_MS = 30, 600

_WITH_COMMANDS = ("launch", "act", "outcome", "append:done", "append:noting", "recollected")

Track = tuple[str, str, str, str]
"""A scenario, a store, a kind of life, a point.

It is killed at the first crossing, at the second … as long as there is one.
"""


def tracks(store: str) -> list[Track]:
    """All that `sweep` can go along with that store."""
    found = [("commands", store, "step", point) for point in _STEPS]
    for name, scenario in SCENARIOS.items():
        for life, counts in census(name, store).items():
            points = [p for p in counts if not scenario.real or p.startswith(_WITH_COMMANDS)]
            found += [(name, store, life, point) for point in points]
        if not scenario.real:
            found += [(name, store, "again", point) for point in (*_RECOVERY, *_OF_STORE[store])]
    return found


def tracks_outside(store: str) -> list[Track]:
    """The same of what is seen from outside."""
    return [
        (name, store, life, point)
        for name, scenario in SCENARIOS.items()
        if scenario.real
        for life in ("begin", "rollback", "again")
        for point in (*CALLS, *FAILURES, INSTANT)
    ]


def sweep(track: Track) -> Iterator[Verdict]:
    """Every kill of one track. The last verdict of a point misses its kill: there is no such crossing."""
    scenario, store, life, point = track
    first = (_IN_MID_RUN,) if life == "again" else ()
    if point == INSTANT:
        chosen = Random(str(track))
        for _ in range(_INSTANTS):
            kill = Kill(life, point, chosen.randrange(_LONGEST_LIFE_MS))
            yield run_case(Case(scenario, store, (*first, kill)))
        return
    if point.startswith((CALL, FAIL)):
        yield from _until_missed(scenario, store, first, life, point)
        return
    match life:
        case "again":
            begun = _where_most_happens(scenario, store)
            there = census(scenario, store)[begun]
            firsts = [first for first in _BEFORE_RECOVERY if first[0] in there]
            for number, (before, nth) in enumerate(firsts):
                for times in (1, 2 + (number + len(point)) % 2):
                    again = [Kill("again", point)] * times
                    yield run_case(Case(scenario, store, (Kill(begun, before, nth), *again)))
        case "step":
            kind = "rollback" if ":und" in point else "begin"
            yield run_case(Case(scenario, store, (Kill(kind, point),)))
        case _:
            yield from _until_missed(scenario, store, (), life, point)


def _until_missed(
    scenario: str, store: str, first: tuple[Kill, ...], life: str, point: str
) -> Iterator[Verdict]:
    for nth in count(1):
        verdict = run_case(Case(scenario, store, (*first, Kill(life, point, nth))))
        yield verdict
        if verdict.missed:
            break


def _where_most_happens(scenario: str, store: str) -> str:
    """The kind of life with the most crossings."""
    lives = census(scenario, store)
    return max(lives, key=lambda life: sum(lives[life].values()))
