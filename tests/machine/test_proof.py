"""The proof of a table: each finding has a table that has it, and the same table put right."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsm.machine import Finding, MachineSpec, Row, StateSpec, prove
from fsm.machine.proof import find_gap


def row(line: str) -> Row:
    """A row written as `SOURCE,… TRIGGER DEST CONDITION… -UNLESS…`."""
    sources, trigger, dest, *names = line.split()
    return Row(
        trigger=trigger,
        source=tuple(sources.split(",")),
        dest=dest,
        conditions=tuple(name for name in names if name[0] != "-"),
        unless=tuple(name[1:] for name in names if name[0] == "-"),
        why="it is an example",
    )


def order(*lines: str, facts: Iterable[str] = (), **changes: Any) -> MachineSpec:
    """An order that is new, then paid, then done; `lines` are added to the two rows for that."""
    rows = [row("new pay paid"), row("paid finish done"), *map(row, lines)]
    states = {"new": StateSpec(), "paid": StateSpec(), "done": StateSpec(final=True)}
    spec = MachineSpec(
        name="order", initial="new", states=states, facts=tuple(facts), rows=tuple(rows)
    )
    return replace(spec, **changes)


LOST = {"new": StateSpec(), "paid": StateSpec(), "done": StateSpec(final=True), "lost": StateSpec()}


def test_a_right_table_has_no_findings() -> None:
    assert prove(order(), []) == []


EXAMPLES: dict[str, tuple[MachineSpec, list[Finding], MachineSpec]] = {
    "unknown initial": (
        order(initial="nwe"),
        [Finding("unknown-state", ("initial",), "`nwe` is no state", "did you mean `new`?")],
        order(initial="new"),
    ),
    "unknown source and dest": (
        order("new,pad refund xyz"),
        [
            Finding(
                "unknown-state",
                ("rows", 2, "source", 1),
                "`pad` is no state",
                "did you mean `paid`?",
            ),
            Finding(
                "unknown-state",
                ("rows", 2, "dest"),
                "`xyz` is no state",
                "declare it under `states`",
            ),
        ],
        order("new,paid refund done"),
    ),
    "unknown condition": (
        order("paid refund new rih -xyz"),
        [
            Finding(
                "unknown-condition",
                ("rows", 2, "conditions", 0),
                "`rih` is no condition",
                "did you mean `rich`?",
            ),
            Finding(
                "unknown-condition",
                ("rows", 2, "unless", 0),
                "`xyz` is no condition",
                "known: `a`, `b`, `rich`",
            ),
        ],
        order("paid refund new rich -a"),
    ),
    "unknown fact": (
        order(facts=["payed", "pay"]),
        [
            Finding(
                "unknown-fact",
                ("facts", 0),
                "no row has the fact `payed` as its trigger",
                "did you mean `pay`?",
            )
        ],
        order(facts=["pay"]),
    ),
    "duplicate row": (
        order("paid,new refund new a", "paid refund new a"),
        [
            Finding(
                "duplicate-row",
                ("rows", 3),
                "`refund` in `paid`: the same as row 3",
                "remove one of the two",
                ("rows", 2),
            )
        ],
        order("paid,new refund new a", "paid refund new -a"),
    ),
    "overlap": (
        order("new,paid refund new a", "new,paid refund done -b"),
        [
            Finding(
                "overlap",
                ("rows", 3),
                "`refund` in `new`, `paid`: holds together with row 3 when `a` and not `b`",
                "add an `unless` to one of the two",
                ("rows", 2),
            )
        ],
        order("new,paid refund new a", "new,paid refund done -b -a"),
    ),
    "general row after the special one": (
        order("paid refund new a", "paid refund done"),
        [
            Finding(
                "overlap",
                ("rows", 3),
                "`refund` in `paid`: holds together with row 3 when `a`",
                "add an `unless` to one of the two",
                ("rows", 2),
            )
        ],
        order("paid refund new a", "paid refund done -a"),
    ),
    "shadowed row": (
        order("paid refund new a", "paid refund done a b"),
        [
            Finding(
                "row-never-fires",
                ("rows", 3),
                "`refund` in `paid`: never fires, because row 3 takes every case before it",
                "give the two rows conditions that exclude each other",
                ("rows", 2),
            )
        ],
        order("paid refund new a -b", "paid refund done a b"),
    ),
    "contradiction": (
        order("paid refund done a -a"),
        [
            Finding(
                "row-never-fires",
                ("rows", 2, "unless"),
                "the row never fires: it wants `a` and its opposite",
                "keep one of the two",
            )
        ],
        order("paid refund done a -b"),
    ),
    "unreachable state and the row that leaves it": (
        order("lost found paid", states=LOST),
        [
            Finding(
                "unreachable-state",
                ("states", "lost"),
                "no row leads to the state `lost`, and it is not the initial one",
                "add a row that leads to it from a state that is reached, or remove it",
            ),
            Finding(
                "row-never-fires",
                ("rows", 2, "source"),
                "the row never fires: nothing reaches `lost`",
                "remove it",
            ),
        ],
        order("lost found paid", "paid lose lost", states=LOST),
    ),
    "state reached only by a row that never fires": (
        order("paid lose new a", "paid lose lost a b", "lost found paid", states=LOST),
        [
            Finding(
                "row-never-fires",
                ("rows", 3),
                "`lose` in `paid`: never fires, because row 3 takes every case before it",
                "give the two rows conditions that exclude each other",
                ("rows", 2),
            ),
            Finding(
                "unreachable-state",
                ("states", "lost"),
                "no row leads to the state `lost`, and it is not the initial one",
                "add a row that leads to it from a state that is reached, or remove it",
            ),
            Finding(
                "row-never-fires",
                ("rows", 4, "source"),
                "the row never fires: nothing reaches `lost`",
                "remove it",
            ),
        ],
        order("paid lose new a -b", "paid lose lost a b", "lost found paid", states=LOST),
    ),
    "dead end": (
        order("paid lose lost", states=LOST),
        [
            Finding(
                "dead-end",
                ("states", "lost"),
                "from the state `lost` there is no way to a final one",
                "add a row that leads on, or say `final: true`",
            )
        ],
        order("paid lose lost", "lost find paid", states=LOST),
    ),
    "no final state": (
        order(states=dict.fromkeys(["new", "paid", "done"], StateSpec())),
        [
            Finding(
                "dead-end",
                ("states",),
                "no state is final: the machine never ends",
                "say `final: true` at the states where it ends",
            )
        ],
        order(),
    ),
    "gap": (
        order("paid late new a", "paid late done -a b", facts=["late"]),
        [
            Finding(
                "gap",
                ("rows", 2),
                "`late` in `paid`: a fact, but no row takes it when not `a` and not `b`",
                "add a row for this case",
            )
        ],
        order("paid late new a", "paid late done -a b", "paid late new -a -b", facts=["late"]),
    ),
    "gap in a request is none": (
        order("paid late new a", facts=["late"]),
        [
            Finding(
                "gap",
                ("rows", 2),
                "`late` in `paid`: a fact, but no row takes it when not `a`",
                "add a row for this case",
            )
        ],
        order("paid late new a", facts=[]),
    ),
    "too many conditions": (
        order("paid late new " + " ".join(f"c{n}" for n in range(13)), facts=["late"]),
        [
            Finding(
                "gap-not-proved",
                ("rows", 2),
                "`late` in `paid`: 13 conditions are too many to prove",
                "use at most 12",
            )
        ],
        order("paid late new a", "paid late new -a", facts=["late"]),
    ),
    "fact leaves a final state": (
        order("new,done late new", facts=["late"]),
        [
            Finding(
                "fact-leaves-final",
                ("rows", 2, "source", 1),
                "the fact `late` cannot happen in `done`, which is final",
                "remove `done` from the sources, or `late` from the facts",
            )
        ],
        order("new,done late new"),
    ),
}
KNOWN = ["a", "b", "rich", *(f"c{n}" for n in range(13))]


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_wrong_table_has_this_finding_and_no_other_and_put_right_none(name: str) -> None:
    wrong, findings, right = EXAMPLES[name]
    known = KNOWN if "c0" in str(wrong) else KNOWN[:3]
    assert prove(wrong, known) == findings
    assert prove(right, known) == []


def test_every_kind_of_finding_has_an_example() -> None:
    shown = {finding.code for _, findings, _ in EXAMPLES.values() for finding in findings}
    documented = (Finding.__doc__ or "").partition("is one of:")[2].rstrip(". \n").split(",")
    assert shown == {code.strip() for code in documented}


def test_conditions_are_not_looked_up_unless_they_are_known() -> None:
    assert prove(order("paid refund new whatever")) == []


def test_all_findings_come_at_once() -> None:
    spec = order("paid late new a", "done,paid late new a", facts=["late", "never"], states=LOST)
    assert sorted(finding.code for finding in prove(spec, ["b"])) == [
        "dead-end",
        "duplicate-row",
        "fact-leaves-final",
        "gap",
        "gap",
        "unknown-condition",
        "unknown-condition",
        "unknown-fact",
        "unreachable-state",
    ]


# Against brute force

NAMES = ["a", "b", "c", "d"]
literals = st.dictionaries(st.sampled_from(NAMES), st.booleans(), max_size=4)
tables = st.lists(literals, max_size=6)


def cases() -> Iterable[dict[str, bool]]:
    for truths in product([True, False], repeat=len(NAMES)):
        yield dict(zip(NAMES, truths, strict=True))


def admits(wanted: Mapping[str, bool], case: Mapping[str, bool]) -> bool:
    return all(case[name] is value for name, value in wanted.items())


def with_rows(table: list[dict[str, bool]]) -> MachineSpec:
    rows = [
        Row(
            trigger="late",
            source=("paid",),
            dest=f"s{at}",  # each its own, or equal rows would be duplicates
            conditions=tuple(name for name, value in wanted.items() if value),
            unless=tuple(name for name, value in wanted.items() if not value),
            why="it is generated",
        )
        for at, wanted in enumerate(table)
    ]
    spec = order(facts=["late"])
    return replace(spec, rows=(*spec.rows, *rows))


@given(tables)
def test_a_gap_is_found_exactly_when_some_case_has_no_row(table: list[dict[str, bool]]) -> None:
    uncovered = [case for case in cases() if not any(admits(wanted, case) for wanted in table)]
    gap = find_gap(table)
    assert (gap is not None) == bool(uncovered)
    if gap is not None:
        assert all(case in uncovered for case in cases() if admits(gap, case))
    found = any(finding.code == "gap" for finding in prove(with_rows(table)))
    assert found == bool(uncovered and table)


@given(tables)
def test_two_rows_are_found_to_compete_exactly_when_some_case_admits_both(
    table: list[dict[str, bool]],
) -> None:
    competing = {
        (first, second)
        for case in cases()
        for second, other in enumerate(table)
        for first, one in enumerate(table[:second])
        if admits(one, case) and admits(other, case)
    }
    found = {
        (int(finding.related[1]) - 2, int(finding.path[1]) - 2)
        for finding in prove(with_rows(table))
        if finding.code in ("overlap", "row-never-fires") and finding.related
    }
    assert found == competing


@given(tables)
def test_a_row_is_found_shadowed_exactly_when_an_earlier_one_takes_all_its_cases(
    table: list[dict[str, bool]],
) -> None:
    shadowed = {
        second
        for second, other in enumerate(table)
        for one in table[:second]
        if all(admits(one, case) for case in cases() if admits(other, case))
    }
    found = {
        int(finding.path[1]) - 2
        for finding in prove(with_rows(table))
        if finding.code == "row-never-fires"
    }
    assert found == shadowed
