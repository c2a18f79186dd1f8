"""Every finding of a wrong file at once: in what is no machine, and in the rest."""

from __future__ import annotations

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


def problems(text: str) -> list[str]:
    with pytest.raises(Invalid) as caught:
        parse_machine(text, "m.yaml")
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
