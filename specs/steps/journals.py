"""The journal, and the state it leads to."""

from __future__ import annotations

import itertools
import json
import os
import time

from pytest_bdd import parsers, step, then, when

from ..journal import all_rows, entries, journals, state_of, told
from ..place import Place
from ..waiting import until


@then("the journal tells:")
def the_journal_tells(place: Place, docstring: str) -> None:
    """All of it, from the start of the first step on; one line an event, or several by commas."""
    expected = [words.strip() for words in docstring.replace(",", "\n").split("\n")]
    found = [words for entry in entries(place.state) if (words := told(entry))]
    assert found == [words for words in expected if words], place.answer


@then(parsers.parse('the journal tells "{words}"'))
def the_journal_tells_in_a_line(place: Place, words: str) -> None:
    the_journal_tells(place, words)


@when(parsers.parse('the journal says "{words}"'))
def the_journal_comes_to_say(place: Place, words: str) -> None:
    until(lambda: words in map(told, entries(place.state)), f"{words!r} in the journal")


@then(parsers.parse('the run is "{state}"'))
def the_run_is(place: Place, state: str) -> None:
    assert state_of(place.state) == state.replace(" ", "_"), place.answer


@then(parsers.parse('the journal says that I approved it just now, by "{how}"'))
def approved_by_me(place: Place, how: str) -> None:
    (approval,) = [entry for entry in entries(place.state) if entry.kind == "RunApproved"]
    assert approval.data["how"] == how
    assert approval.data["by"].endswith(f"@{os.uname().nodename}")
    assert not approval.data["by"].startswith("@")
    assert 0 <= time.time() - approval.data["approved_at"] < 120


@then(parsers.parse('the journal gives "{field}" of "{event}" as "{value}"'))
def the_journal_gives(place: Place, field: str, event: str, value: str) -> None:
    found = [entry.data.get(field) for entry in entries(place.state) if entry.kind == event]
    assert found, f"no {event} in the journal"
    assert str(found[-1]) == place.filled(value)


@then("each event has the moment that the journal gives it")
def moments(place: Place) -> None:
    *events, report = map(json.loads, place.answer.out.splitlines())
    assert [event["at"] for event in events] == [entry.at for entry in entries(place.state)]
    assert report["at"] >= events[-1]["at"]


@then(parsers.parse('the attempts of "{step}" began at least {gaps} seconds after each other'))
def growing_gaps(place: Place, step: str, gaps: str) -> None:
    began = [e.at for e in entries(place.state) if e.kind == "StepStarted" and e.step == step]
    found = [later - earlier for earlier, later in itertools.pairwise(began)]
    least = [float(gap) for gap in gaps.replace("and", ",").split(",") if gap.strip()]
    assert len(found) == len(least), found
    assert all(gap >= least_gap for gap, least_gap in zip(found, least, strict=True)), found


@then(
    parsers.parse('each wait that the journal records for "{step}" is longer than the one before')
)
def growing_waits(place: Place, step: str) -> None:
    failed = [e for e in entries(place.state) if e.step == step and e.data.get("retry_at")]
    waits = [entry.data["retry_at"] - entry.at for entry in failed]
    assert len(waits) > 1
    assert all(earlier < later for earlier, later in itertools.pairwise(waits)), waits


@then(
    parsers.parse('no attempt of "{step}" began more than {seconds:g} seconds after the one before')
)
def bounded_gaps(place: Place, step: str, seconds: float) -> None:
    began = [e.at for e in entries(place.state) if e.kind == "StepStarted" and e.step == step]
    assert len(began) > 1
    assert all(later - earlier <= seconds for earlier, later in itertools.pairwise(began)), began


@then(parsers.parse('"{step}" was retried within {seconds:g} seconds of being due'))
def retried_when_due(place: Place, step: str, seconds: float) -> None:
    journal = [entry for entry in entries(place.state) if entry.step == step]
    due = [entry.data["retry_at"] for entry in journal if entry.data.get("retry_at")]
    started = [entry.at for entry in journal if entry.kind == "StepStarted"][1:]
    assert due, place.answer
    for wanted, real in zip(due, started, strict=False):
        assert wanted <= real + 0.001
        assert real < wanted + seconds


@then(parsers.parse('every line of the journal in "{name}" is JSON, from "{first}" to "{last}"'))
def lines_of_json(place: Place, name: str, first: str, last: str) -> None:
    """`first` and `last` are the kinds of the first and the last event."""
    (lines,) = journals(place.path(name))
    kinds = [line["kind"] for line in lines if "kind" in line]
    assert (kinds[0], kinds[-1]) == (first, last)
    assert [line["seq"] for line in lines if "kind" in line] == list(range(1, len(kinds) + 1))


@step("I note the journal")
def note_the_journal(place: Place) -> None:
    place.noted["journal"] = all_rows(place.state)


@then("nothing that was recorded is lost")
def nothing_is_lost(place: Place) -> None:
    before, now = place.noted["journal"], all_rows(place.state)
    assert isinstance(before, list)
    assert len(before) > 0
    assert now[: len(before)] == before


@then("the journal is as it was")
def the_journal_is_as_it_was(place: Place) -> None:
    assert all_rows(place.state) == place.noted["journal"]


@then(parsers.parse("the journal has {number:d} runs"))
def the_journal_has_runs(place: Place, number: int) -> None:
    assert entries(place.state, number), "fewer"
    assert not entries(place.state, number + 1), "more"
