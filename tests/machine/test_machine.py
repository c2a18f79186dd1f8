"""Records driven through a table: what fires, what is refused and in which words."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field, replace
from itertools import product
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsm.errors import FsmError, Invalid, TransitionRefused
from fsm.machine import Conditions, Machine, MachineSpec, Row, StateSpec, parse_machine

DOOR = """\
name: door
initial: closed
states: {open: , closed: , gone: {final: true}}
facts: [slammed]
rows:
  - {trigger: open, source: closed, dest: open, conditions: has_key, unless: barred, why: by key}
  - {trigger: open, source: closed, dest: gone, conditions: [barred, has_axe], why: by force}
  - {trigger: close, source: open, dest: closed, why: a person pushed}
  - {trigger: slammed, source: [open, closed], dest: closed, unless: rotten, why: the wind blew}
  - {trigger: slammed, source: [open, closed], dest: gone, conditions: rotten, why: it broke}
  - {trigger: mend, source: gone, dest: closed, conditions: has_axe, why: a carpenter came}
"""


@dataclass(slots=True, eq=False)
class Door:
    state: str = "closed"
    holding: frozenset[str] = field(default_factory=frozenset)


conditions: Conditions[Door] = Conditions()


@conditions.add
def has_key(door: Door) -> bool:
    return "has_key" in door.holding


@conditions.add
def barred(door: Door) -> bool:
    return "barred" in door.holding


@conditions.add
def has_axe(door: Door) -> bool:
    return "has_axe" in door.holding


@conditions.add
def rotten(door: Door) -> bool:
    return "rotten" in door.holding


def door_spec() -> MachineSpec:
    return parse_machine(DOOR, "door.yaml", conditions)


def machine() -> Machine[Door]:
    return Machine(door_spec(), conditions)


def holding(*names: str, state: str = "closed") -> Door:
    return Door(state, frozenset(names))


# Firing


def test_a_trigger_moves_its_record_along_the_row_whose_conditions_hold() -> None:
    door = holding("has_key")
    assert machine().fire(door, "open") == "open"
    assert door.state == "open"
    assert machine().fire(holding("barred", "has_axe"), "open") == "gone"


def test_one_machine_drives_many_records_and_keeps_them_apart() -> None:
    driven = machine()
    doors = [holding("has_key") for _ in range(3)]
    driven.fire(doors[1], "open")
    assert [door.state for door in doors] == ["closed", "open", "closed"]


def test_a_machine_keeps_nothing_of_the_records_it_drives() -> None:
    driven, door = machine(), holding("has_key")
    before = sys.getrefcount(door)
    for trigger in ("open", "close", "open"):
        driven.fire(door, trigger)
    with pytest.raises(TransitionRefused):
        driven.fire(door, "mend")
    assert sys.getrefcount(door) == before


def test_a_request_may_leave_a_final_state() -> None:
    assert machine().fire(holding("has_axe", state="gone"), "mend") == "closed"


def test_a_machine_has_no_back_doors() -> None:
    with pytest.raises(TransitionRefused):
        machine().fire(holding(), "to_gone")


def test_a_condition_is_as_true_as_python_finds_it() -> None:
    def has_some(door: Door) -> bool:
        return cast(bool, [door])  # what untyped code returns

    def has_none(door: Door) -> bool:
        return cast(bool, "")

    driven = Machine(door_spec(), {**conditions, "has_key": has_some, "barred": has_none})
    assert driven.fire(holding(), "open") == "open"


# Refusals


@pytest.mark.parametrize(
    ("door", "trigger", "failed", "words"),
    [
        (
            holding("barred"),
            "open",
            ("has_key", "not barred", "has_axe"),
            "door is closed: `open` is refused",
        ),
        (holding(), "close", (), "door is closed: `close` is refused"),
        (holding(), "explode", (), "door is closed: `explode` is refused"),
        (holding(state="lost"), "open", (), "door is lost: `open` is refused"),
        (holding(state="gone"), "mend", ("has_axe",), "door is gone: `mend` is refused"),
    ],
)
def test_a_refusal_says_state_trigger_conditions_and_what_is_allowed(
    door: Door, trigger: str, failed: tuple[str, ...], words: str
) -> None:
    before = door.state
    with pytest.raises(TransitionRefused) as caught:
        machine().fire(door, trigger)
    refused = caught.value
    assert refused.message.startswith(words)
    assert all(name in refused.message for name in failed)
    assert (refused.subject, refused.state, refused.trigger) == ("door", before, trigger)
    assert refused.failed == failed
    assert refused.allowed == machine().allowed(before)
    assert door.state == before


def test_a_refusal_speaks_of_its_subject() -> None:
    with pytest.raises(TransitionRefused, match=r"^the front door is closed: `close` is refused"):
        machine().fire(holding(), "close", subject="the front door")


def test_an_error_in_a_condition_passes_through_and_changes_nothing() -> None:
    def broken(door: Door) -> bool:
        raise KeyboardInterrupt

    door = holding()
    with pytest.raises(KeyboardInterrupt):
        Machine(door_spec(), {**conditions, "has_key": broken}).fire(door, "open")
    assert door.state == "closed"


# Questions


def test_allowed_are_the_triggers_with_a_row_in_the_state_in_table_order() -> None:
    driven = machine()
    assert driven.allowed("closed") == ("open", "slammed")
    assert driven.allowed("open") == ("close", "slammed")
    assert driven.allowed("lost") == ()


def test_nothing_fails_where_a_row_admits_the_trigger() -> None:
    assert machine().failed_conditions(holding("has_key"), "open") == ()
    assert machine().failed_conditions(holding("has_key", "barred"), "open") == (
        "not barred",
        "has_axe",
    )


# Property: every state, trigger and truth


EVERY_STATE = ["open", "closed", "gone", "lost"]
EVERY_TRIGGER = ["open", "close", "slammed", "mend", "explode"]


def assert_fires_as_its_row_says_or_is_refused(
    spec: MachineSpec, driven: Machine[Door], door: Door, trigger: str
) -> None:
    before, may = door.state, driven.may(door, trigger)
    failing = driven.failed_conditions(door, trigger)
    rows = spec.rows_from(before, trigger)
    admitting = [
        row
        for row in rows
        if door.holding.issuperset(row.conditions) and door.holding.isdisjoint(row.unless)
    ]
    assert may == bool(admitting)
    if admitting:
        assert not failing
        assert driven.fire(door, trigger) == door.state == admitting[0].dest
        return
    with pytest.raises(TransitionRefused) as caught:
        driven.fire(door, trigger)
    expected = [name for row in rows for name in row.conditions if name not in door.holding]
    expected += [f"not {name}" for row in rows for name in row.unless if name in door.holding]
    assert door.state == caught.value.state == before
    assert caught.value.trigger == trigger
    assert set(caught.value.failed) == set(failing) == set(expected)
    assert set(caught.value.allowed) == {row.trigger for row in spec.rows_from(before)}


@pytest.mark.parametrize(("state", "trigger"), list(product(EVERY_STATE, EVERY_TRIGGER)))
def test_every_trigger_in_every_state_fires_as_its_row_says_or_is_refused(
    state: str, trigger: str
) -> None:
    spec, driven = door_spec(), machine()
    for truths in product([True, False], repeat=len(conditions)):
        names = [name for name, holds in zip(conditions, truths, strict=True) if holds]
        door = holding(*names, state=state)
        assert_fires_as_its_row_says_or_is_refused(spec, driven, door, trigger)


names = st.lists(st.sampled_from(list(conditions)), unique=True, max_size=3).map(tuple)
rows = st.builds(
    Row,
    trigger=st.sampled_from(["a", "b"]),
    source=st.lists(st.sampled_from(["x", "y", "z"]), min_size=1, unique=True).map(tuple),
    dest=st.sampled_from(["x", "y", "z"]),
    conditions=names,
    unless=names,
    why=st.just("it is generated"),
)


@given(st.lists(rows, max_size=8), st.sampled_from("xyz"), st.sampled_from("abc"), names)
def test_any_table_even_an_unproved_one_takes_the_first_row_that_admits_or_refuses(
    table: list[Row], state: str, trigger: str, held: tuple[str, ...]
) -> None:
    states = dict.fromkeys("xyz", StateSpec())
    spec = MachineSpec(name="any", initial="x", states=states, rows=tuple(table))
    driven = Machine(spec, conditions, prove=False)
    assert_fires_as_its_row_says_or_is_refused(spec, driven, holding(*held, state=state), trigger)


# Building


def test_a_machine_is_not_built_from_a_table_with_findings() -> None:
    spec = door_spec()
    wrong = replace(spec, initial="shut", rows=spec.rows[:-2])
    with pytest.raises(Invalid) as caught:
        Machine(wrong, conditions)
    assert str(caught.value).splitlines() == [
        "machine door: initial  `shut` is no state; declare it under `states`",
        "machine door: rows.3  `slammed` in `open`: a fact, but no row takes it when `rotten`; "
        "add a row for this case",
        "machine door: rows.3  `slammed` in `closed`: a fact, but no row takes it when `rotten`; "
        "add a row for this case",
    ]


@pytest.mark.parametrize("prove", [True, False])
def test_a_machine_is_not_built_without_a_function_for_each_condition(prove: bool) -> None:
    known = {name: conditions[name] for name in conditions if name != "has_key"}
    with pytest.raises(Invalid) as caught:
        Machine(door_spec(), {**known, "haskey": has_key}, prove=prove)
    assert str(caught.value) == (
        "machine door: rows.0.conditions.0  `has_key` is no condition; did you mean `haskey`?"
    )


def test_a_name_in_a_table_is_never_imported_or_called() -> None:
    with pytest.raises(Invalid, match=r"`os\.getcwd` is no name"):
        parse_machine(DOOR.replace("has_key", "os.getcwd"), "door.yaml")


def test_a_condition_cannot_be_registered_twice() -> None:
    registry: Conditions[Door] = Conditions()
    registry.add(has_key)
    registry.add(has_key, "spare_key")
    with pytest.raises(FsmError, match="the condition `has_key` is registered twice"):
        registry.add(has_key)
    assert list(registry) == ["has_key", "spare_key"]


def test_a_condition_that_is_missing_is_an_error_with_the_known_names() -> None:
    with pytest.raises(KeyError) as caught:
        conditions["haskey"]
    assert caught.value.args == ("no condition `haskey`; did you mean `has_key`?",)
    with pytest.raises(KeyError, match="no condition `x`; known: has_key, barred, has_axe, rotten"):
        conditions["x"]
    assert "haskey" not in conditions
    assert len(conditions) == 4
