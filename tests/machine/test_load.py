"""Every finding of a wrong file at once: in what is no machine, and in the rest."""

from __future__ import annotations

from collections.abc import Collection

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsm.errors import Invalid
from fsm.machine import parse_machine

WRONG = """\
name: bad
initial: opn
states:
  open:
  closed: {final: yes}
facts: [slam]
rows:
  - {trigger: shut, source: open, dest: closd, why: x}
  - {trigger: shut, source: open, dest: closed}
  - {triger: shut, source: open, dest: closed, why: x}
  - {trigger: shut, source: closed, dest: open, why: a}
  - {trigger: shut, source: closed, dest: open, why: a}
name: again
"""


def problems(text: str, conditions: Collection[str] | None = None) -> list[str]:
    with pytest.raises(Invalid) as caught:
        parse_machine(text, "m.yaml", conditions)
    return [str(problem) for problem in caught.value.problems]


def test_a_wrong_file_is_told_whole() -> None:
    assert problems(WRONG) == [
        "m.yaml:2:1  `opn` is no state; did you mean `open`?",
        "m.yaml:5:12  `final` must be true or false, not yes",
        "m.yaml:8:35  `closd` is no state; did you mean `closed`?",
        "m.yaml:9:5  row 2 has no `why`; add `why:`",
        "m.yaml:10:5  row 3 has no `trigger`; add `trigger:`",
        "m.yaml:10:6  row 3 has no key `triger`; did you mean `trigger`?",
        "m.yaml:12:5  `shut` in `closed`: the same as row 4; remove one of the two "
        "(the other is on line 11)",
        "m.yaml:13:1  the key `name` came before, on line 1; keep one of the two",
    ]


UNPROVED = """\
name: lamp
initial: off
states:
  off:
  on:
  stuck:
  dark:
  gone: {final: true}
facts: [cut, burst, bang]
rows:
  - {trigger: press, source: off, dest: on, conditions: [power], why: light}
  - {trigger: press, source: off, dest: off, conditions: [bulb], why: competes}
  - trigger: press
    source: [on, off]
    dest: off
    conditions: [power, bulb]
    why: shadowed in one of its states
  - {trigger: cut, source: on, dest: off, conditions: [power], why: leaves a gap}
  - {trigger: burst, source: [on, gone], dest: gone, why: happens after the end}
  - {trigger: jam, source: on, dest: stuck, conditions: [power, bulp], why: "a condition, mistyped"}
  - {trigger: dim, source: dark, dest: on, why: nobody gets there}
  - {trigger: blink, source: on, dest: off, conditions: [bulb], unless: [bulb], why: never}
  - {trigger: dim, source: dark, dest: on, why: nobody gets there}
"""


def test_each_kind_of_finding_names_file_line_and_column_and_what_to_do() -> None:
    assert problems(UNPROVED, ["power", "bulb"]) == [
        "m.yaml:6:3  from the state `stuck` there is no way to a final one; "
        "add a row that leads on, or say `final: true`",
        "m.yaml:7:3  no row leads to the state `dark`, and it is not the initial one; "
        "add a row that leads to it from a state that is reached, or remove it",
        "m.yaml:9:21  no row has the fact `bang` as its trigger; add its rows, or remove it",
        "m.yaml:12:5  `press` in `off`: holds together with row 1 when `power` and `bulb`; "
        "add an `unless` to one of the two (the other is on line 11)",
        "m.yaml:13:5  `press` in `off`: never fires, because row 1 takes every case before it; "
        "give the two rows conditions that exclude each other (the other is on line 11)",
        "m.yaml:13:5  `press` in `off`: never fires, because row 2 takes every case before it; "
        "give the two rows conditions that exclude each other (the other is on line 12)",
        "m.yaml:18:5  `cut` in `on`: a fact, but no row takes it when not `power`; "
        "add a row for this case",
        "m.yaml:19:35  the fact `burst` cannot happen in `gone`, which is final; "
        "remove `gone` from the sources, or `burst` from the facts",
        "m.yaml:20:65  `bulp` is no condition; did you mean `bulb`?",
        "m.yaml:21:20  the row never fires: nothing reaches `dark`; remove it",
        "m.yaml:22:65  the row never fires: it wants `bulb` and its opposite; keep one of the two",
        "m.yaml:23:5  `dim` in `dark`: the same as row 7; remove one of the two "
        "(the other is on line 21)",
        "m.yaml:23:20  the row never fires: nothing reaches `dark`; remove it",
    ]


def test_while_a_row_cannot_be_read_nobody_says_what_is_reached_or_ends() -> None:
    text = "name: m\ninitial: a\nstates: {a: , b: {final: true}}\nrows: [{trigger: go, source: a, why: x}]"
    assert problems(text) == ["m.yaml:4:8  row 1 has no `dest`; add `dest:`"]


ODD = st.sampled_from(["1", "[]", "{}", "x", "[x]", "{x: 1}", "''", "true", "[[]]", "[{}]", "[1]"])


@given(
    name=ODD,
    initial=ODD,
    states=st.one_of(ODD, st.just("{a: , b: 1}")),
    facts=ODD,
    rows=st.one_of(ODD, st.just("[{trigger: t, source: a, dest: a, why: w}, 1]")),
)
def test_whatever_stands_in_a_file_every_problem_has_its_place(
    name: str, initial: str, states: str, facts: str, rows: str
) -> None:
    text = f"name: {name}\ninitial: {initial}\nstates: {states}\nfacts: {facts}\nrows: {rows}\n"
    with pytest.raises(Invalid) as caught:
        parse_machine(text, "m.yaml")
    assert all(problem.line for problem in caught.value.problems)
