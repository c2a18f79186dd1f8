"""Tables read from YAML: shapes, short forms, problems with their places, policies."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from fsm.errors import Invalid
from fsm.machine import MachineSpec, Row, StateSpec, load_machine, parse_machine

DOOR = """\
name: door
description: A door with a lock.
initial: closed
states:
  open:
  closed: {description: shut, perhaps locked}
  gone: {final: true}
facts: [slammed]
rows:
  - {trigger: open, source: closed, dest: open, unless: locked, why: nobody locked it}
  - {trigger: close, source: open, dest: closed, why: a person pushed}
  - {trigger: slammed, source: [open, closed], dest: closed, scenario: wind, why: the wind blew}
  - trigger: remove
    source: [open, closed]
    dest: gone
    conditions: [has_tools]
    why: it is scrap
"""


def refusal(text: str) -> list[str]:
    with pytest.raises(Invalid) as caught:
        parse_machine(text, "door.yaml")
    return str(caught.value).splitlines()


def test_a_table_is_read_with_its_short_forms() -> None:
    spec = parse_machine(DOOR.replace("shut, perhaps", "shut and perhaps"), "door.yaml")
    assert spec == MachineSpec(
        name="door",
        description="A door with a lock.",
        initial="closed",
        states={
            "open": StateSpec(),
            "closed": StateSpec(description="shut and perhaps locked"),
            "gone": StateSpec(final=True),
        },
        facts=("slammed",),
        rows=(
            Row(
                trigger="open",
                source=("closed",),
                dest="open",
                unless=("locked",),
                why="nobody locked it",
            ),
            Row(trigger="close", source=("open",), dest="closed", why="a person pushed"),
            Row(
                trigger="slammed",
                source=("open", "closed"),
                dest="closed",
                scenario="wind",
                why="the wind blew",
            ),
            Row(
                trigger="remove",
                source=("open", "closed"),
                dest="gone",
                conditions=("has_tools",),
                why="it is scrap",
            ),
        ),
    )


def test_a_comma_that_ends_a_text_inside_braces_is_explained() -> None:
    assert refusal(DOOR) == [
        "door.yaml:6:31  the state `closed` has no key `perhaps locked`; "
        "inside `{ }` a comma ends a text; quote the text"
    ]


def test_the_questions_a_table_answers() -> None:
    spec = load_door()
    assert spec.triggers() == ("open", "close", "slammed", "remove")
    assert [row.trigger for row in spec.rows_from("open")] == ["close", "slammed", "remove"]
    assert [row.dest for row in spec.rows_from("closed", "remove")] == ["gone"]
    assert spec.rows_from("gone") == ()


def load_door() -> MachineSpec:
    return parse_machine(DOOR.replace("shut, perhaps", "shut"), "door.yaml")


def test_a_table_cannot_be_changed() -> None:
    spec = load_door()
    with pytest.raises(FrozenInstanceError):
        spec.__setattr__("initial", "open")


def test_a_table_is_loaded_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "door.yaml"
    file.write_text(DOOR.replace("shut, perhaps", "shut"))
    assert load_machine(file) == load_door()
    file.write_text("[]")
    with pytest.raises(
        Invalid, match=r"door\.yaml:1:1  is no machine; write a mapping with `name`"
    ):
        load_machine(file)


def test_every_problem_of_the_shape_is_said_at_once_with_its_place() -> None:
    text = """\
name: the door
initial: closed
stats: {}
states:
  closed: {final: yes, colour: red}
  "*":
  open: [1]
rows:
  - {triger: open, source: closed, dest: 5, why: " "}
  - {trigger: state, source: [closed, 7], dest: open, conditions: {a: b}, why: x}
  - nothing
"""
    assert refusal(text) == [
        "door.yaml:1:1  `the door` is no name: a letter, then at most 63 letters, digits, `_` and `-`",
        "door.yaml:3:1  the machine has no key `stats`; did you mean `states`?",
        "door.yaml:5:12  `final` must be true or false, not yes",
        "door.yaml:5:24  the state `closed` has no key `colour`; known: final, description",
        "door.yaml:6:3  `*` is no name: a letter, then at most 63 letters, digits, `_` and `-`",
        "door.yaml:7:3  `open` must be a mapping, not a list",
        "door.yaml:9:5  row 1 has no `trigger`; add `trigger:`",
        "door.yaml:9:6  row 1 has no key `triger`; did you mean `trigger`?",
        "door.yaml:9:36  `dest` must be text, not 5",
        "door.yaml:9:45  `why` is empty: say in six words why the row is there",
        "door.yaml:10:6  `state` is taken: every record has a `state`",
        "door.yaml:10:39  item 2 of `source` must be text, not 7",
        "door.yaml:10:55  `conditions` must be a list, not a mapping",
        "door.yaml:11:5  item 3 of `rows` must be a mapping, not nothing",
    ]


def test_the_proof_runs_on_what_is_loaded_and_names_both_lines() -> None:
    text = """\
name: door
initial: closed
states: {closed: , open: , gone: {final: true}}
facts: [slammed]
rows:
  - {trigger: open, source: closed, dest: opn, why: a person pulled}
  - {trigger: slammed, source: open, dest: closed, conditions: windy, why: the wind blew}
  - {trigger: slammed, source: open, dest: gone, conditions: rotten, why: it broke}
"""
    with pytest.raises(Invalid) as caught:
        parse_machine(text, "door.yaml", conditions=["windy", "rotted"])
    assert str(caught.value).splitlines() == [
        "door.yaml:6:37  `opn` is no state; did you mean `open`?",
        "door.yaml:7:5  `slammed` in `open`: a fact, but no row takes it when not `windy` "
        "and not `rotten`; add a row for this case",
        "door.yaml:8:5  `slammed` in `open`: holds together with row 2 when `windy` and `rotten`; "
        "add an `unless` to one of the two (the other is on line 7)",
        "door.yaml:8:50  `rotten` is no condition; did you mean `rotted`?",
    ]
