"""A machine driven by hand: who fires a trigger says what holds."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsm.errors import TransitionRefused
from fsm.machine import load_machine
from fsm.machine.manual import (
    Firing,
    ManualRecord,
    conditions_in,
    manual_machine,
    parse_firing,
    row_taken,
)

ORDER = load_machine(Path(__file__).parents[2] / "specs" / "machines" / "order.yaml")


@pytest.mark.parametrize(
    "text",
    [
        "place:has_items,address_known",
        "place: has_items, address_known",
        " place : has_items address_known ",
    ],
)
def test_a_trigger_is_written_with_what_holds(text: str) -> None:
    assert parse_firing(text, ORDER) == (Firing("place", ("has_items", "address_known")), [])


def test_every_unknown_name_is_told_with_the_nearest() -> None:
    _, problems = parse_firing("plase:has_item,in_stock,xyz", ORDER, "trigger 2")
    assert [str(problem) for problem in problems] == [
        "trigger 2  order has no trigger `plase`; did you mean `place`?",
        "trigger 2  order has no condition `has_item`; did you mean `has_items`?",
        f"trigger 2  order has no condition `xyz`; the conditions are: {', '.join(conditions_in(ORDER))}",
    ]


@given(
    state=st.sampled_from(sorted(ORDER.states)),
    trigger=st.sampled_from(ORDER.triggers()),
    holding=st.sets(st.sampled_from(conditions_in(ORDER))),
)
def test_the_row_that_is_told_is_the_row_that_is_taken(
    state: str, trigger: str, holding: set[str]
) -> None:
    firing, record = Firing(trigger, tuple(holding)), ManualRecord(state, holding)
    row = row_taken(ORDER, state, firing)
    if row is not None:
        assert manual_machine(ORDER).fire(record, trigger) == row.dest
    else:
        with pytest.raises(TransitionRefused):
            manual_machine(ORDER).fire(record, trigger)
        assert record.state == state
