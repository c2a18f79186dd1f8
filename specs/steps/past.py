"""Past runs: many of them, and files that carry them."""

from __future__ import annotations

import re
import stat
from dataclasses import replace

from pytest_bdd import given, parsers, then, when

from fsm.stores import open_store

from ..journal import newest_run
from ..place import Place


@given(parsers.parse("{number:d} copies of the newest run are stored"))
def many_runs(place: Place, number: int) -> None:
    store = open_store(f"sqlite:{place.state}")
    stored = store.load(newest_run(place.state))
    events = [record.event for record in stored.records]
    for n in range(number):
        summary = replace(stored.summary, run_id=f"20200101-0000{n:02}-copy")
        store.create(summary, stored.document, events, alongside=True).close()


@then(parsers.parse("it lists {number:d} runs"))
def it_lists(place: Place, number: int) -> None:
    listed = re.findall(r"^\d{8}-\d{6}-\w{4} ", place.answer.out, re.MULTILINE)
    assert len(set(listed)) == number, place.answer


@then(parsers.parse("no line it prints is wider than {width:d} characters"))
def no_wide_line(place: Place, width: int) -> None:
    assert max(map(len, place.answer.out.splitlines())) <= width, place.answer


@when(parsers.parse('the logs of the run are moved to "{name}" and linked'))
def link_the_logs(place: Place, name: str) -> None:
    logs = place.path(place.filled(".fsm/logs/{run}"))
    logs.rename(place.path(name))
    logs.symlink_to(place.path(name))


@when(parsers.re(r"I run `(?P<command>fsm.*)` with what was printed on its stdin"))
def i_run_with_what_was_printed(place: Place, command: str) -> None:
    place.answers.append(place.execute(place.filled(command), typed=place.answer.out))


@when(parsers.parse('"{old}" is changed to "{new}" in the file "{name}"'))
def change_the_file(place: Place, old: str, new: str, name: str) -> None:
    text = place.path(name).read_text(encoding="utf-8")
    assert old in text, f"{name} has no {old}"
    place.path(name).write_text(text.replace(old, new, 1), encoding="utf-8")


@then(parsers.parse('nobody else may read the file "{name}"'))
def only_mine(place: Place, name: str) -> None:
    mode = stat.S_IMODE(place.path(place.filled(name)).stat().st_mode)
    assert mode == 0o600, f"{mode:o}"


@then("they print the same")
def both_print_the_same(place: Place) -> None:
    one, other = place.answers[-2:]
    assert one.out == other.out, f"{one}\n{other}"


@then(parsers.parse('the files "{one}" and "{other}" are equal'))
def equal_files(place: Place, one: str, other: str) -> None:
    first, second = (place.path(place.filled(name)).read_bytes() for name in (one, other))
    assert first == second
    assert len(first) > 0
