"""What the steps of a plan really did: each writes a word into the file `happened`."""

from __future__ import annotations

from itertools import combinations

from pytest_bdd import parsers, then, when

from ..place import Place
from ..waiting import until

HAPPENED = "happened"


@then(parsers.parse('what happened is "{words}"'))
def what_happened_is(place: Place, words: str) -> None:
    assert _happened(place) == words.split(), place.answers[-1] if place.answers else ""


@when(parsers.parse('the step has written "{word}"'))
def it_has_written(place: Place, word: str) -> None:
    until(lambda: word in _happened(place), f"{word!r} in what happened")


@then("nothing happened")
def nothing_happened(place: Place) -> None:
    assert _happened(place) == [], place.answer


@then(parsers.parse('"{one}" and "{other}" happened at the same time'))
def at_the_same_time(place: Place, one: str, other: str) -> None:
    assert _overlap(_time(place, one), _time(place, other)), place.answer


@then("no two steps happened at the same time")
def no_two_at_once(place: Place) -> None:
    spans = _all_times(place)
    assert not any(_overlap(one, other) for one, other in combinations(spans, 2)), spans


@then(parsers.parse("{most:d} steps happened at the same time, and never more"))
def most_at_once(place: Place, most: int) -> None:
    spans = _all_times(place)
    found = max(sum(began <= start < end for began, end in spans) for start, _ in spans)
    assert found == most, spans


@then(parsers.parse('"{one}" had ended when "{other}" began'))
def had_ended(place: Place, one: str, other: str) -> None:
    assert _time(place, one)[1] <= _time(place, other)[0]


def _happened(place: Place) -> list[str]:
    path = place.path(HAPPENED)
    return path.read_text(encoding="utf-8").split() if path.exists() else []


def _time(place: Place, name: str) -> tuple[int, int]:
    began, ended = place.path(f"{name}.time").read_text().split()
    return int(began), int(ended)


def _all_times(place: Place) -> list[tuple[int, int]]:
    spans = [_time(place, path.stem) for path in place.folder.glob("*.time")]
    assert len(spans) >= 2, place.answer
    return spans


def _overlap(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return one[0] < other[1] and other[0] < one[1]
