"""The cases of a sweep: every crossing of every point, and recovery killed over and over."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from .case import Case, Verdict, census, run_case
from .points import Kill
from .scenarios import SCENARIOS

__all__ = ["RECOVERY", "Track", "sweep", "tracks"]

RECOVERY = (
    *("acquire:before", "acquire:BEGIN", "acquire:UPDATE", "acquire:COMMIT", "acquire:torn"),
    *("acquire:noting", "acquire:done", "load:BEGIN", "load:done", "taken:up", "recorded"),
    *("append:BEGIN", "append:INSERT", "append:COMMIT", "append:torn", "append:noting"),
    *("append:done", "observed", "launch:done", "act:begun", "act:done", "outcome:made"),
)
"""The points of taking a run up and of the first it does then."""
_BEFORE_RECOVERY = (("act:begun", 2), ("act:done", -2), ("append:noting", -2))
_STEPS = ("step:started:b", "step:did:a", "step:did:c", "step:undoing:c", "step:undid:b")

_WITH_COMMANDS = ("launch", "act", "outcome", "append:COMMIT", "append:noting")

Track = tuple[str, str, str]
"""A scenario, a kind of life, a point: killed at its first crossing, its second … as long as there is one."""


def tracks() -> list[Track]:
    """All that `sweep` can go along."""
    found = [("commands", "step", point) for point in _STEPS]
    for name, scenario in SCENARIOS.items():
        for life, counts in census(name).items():
            points = [p for p in counts if not scenario.real or p.startswith(_WITH_COMMANDS)]
            found += [(name, life, point) for point in points]
        if not scenario.real:
            found += [(name, "again", point) for point in RECOVERY]
    return found


def sweep(track: Track) -> Iterator[Verdict]:
    """Every kill of one track. The last verdict of a point misses its kill: there is no such crossing."""
    scenario, life, point = track
    match life:
        case "again":
            begun = _where_most_happens(scenario)
            for number, (before, nth) in enumerate(_BEFORE_RECOVERY):
                for times in (1, 2 + (number + len(point)) % 2):
                    again = [Kill("again", point)] * times
                    yield run_case(Case(scenario, (Kill(begun, before, nth), *again)))
        case "step":
            kind = "rollback" if ":und" in point else "begin"
            yield run_case(Case(scenario, (Kill(kind, point),)))
        case _:
            for nth in count(1):
                verdict = run_case(Case(scenario, (Kill(life, point, nth),)))
                yield verdict
                if verdict.missed:
                    break


def _where_most_happens(scenario: str) -> str:
    """The kind of life with the most crossings."""
    lives = census(scenario)
    return max(lives, key=lambda life: sum(lives[life].values()))
