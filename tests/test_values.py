"""Values behave as frozen dataclasses do, though their methods are written once for all."""

from __future__ import annotations

import copy
import pickle
import sys
from dataclasses import FrozenInstanceError, dataclass, field, fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsm.run import commands as do
from fsm.run import events as on
from fsm.values import Slotted, Value, slotted


class Flight(Value):
    """A value with a field that must be given and two that need not."""

    step: str
    attempt: int = 0
    reason: str = ""


class Landing(Value):
    """The same fields in another class."""

    step: str
    attempt: int = 0
    reason: str = ""


@dataclass(frozen=True)
class Twin:
    """What `Flight` would be if it were a dataclass."""

    step: str
    attempt: int = 0
    reason: str = ""


@slotted
class Leg(Slotted):
    """A value with slots; one of its defaults is made for each."""

    step: str
    attempt: int = 0
    seats: list[str] = field(default_factory=list)
    note: str = field(default="", compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class LegTwin:
    """What `Leg` would be if it were a dataclass."""

    step: str
    attempt: int = 0
    seats: list[str] = field(default_factory=list)
    note: str = field(default="", compare=False, repr=False)


words = st.sampled_from(["a", "b"])
positional = st.lists(words, max_size=4)
named = st.dictionaries(st.sampled_from(["step", "attempt", "reason", "wings"]), words)


def made(kind: Any, values: list[str], more: dict[str, str]) -> Any:
    try:
        return kind(*values, **more)
    except TypeError:
        return None


@given(positional, named, positional, named)
def test_a_value_is_made_shown_and_compared_as_a_dataclass_is(
    values: list[str], more: dict[str, str], other_values: list[str], other_more: dict[str, str]
) -> None:
    one, twin = made(Flight, values, more), made(Twin, values, more)
    assert repr(one) == repr(twin).replace("Twin", "Flight")
    other, other_twin = made(Flight, other_values, other_more), made(Twin, other_values, other_more)
    assert (one == other) == (twin == other_twin)
    if one == other:
        assert hash(one) == hash(other)


def test_a_wrong_argument_is_answered_with_the_fields() -> None:
    flight: Any = Flight
    with pytest.raises(TypeError, match=r"^Flight takes \(step, attempt, reason\)$"):
        flight()


def test_two_classes_of_the_same_fields_have_no_equal_values() -> None:
    flight, landing = Flight("a", 1), Landing("a", 1)
    assert flight != landing
    assert len({flight, landing, Flight("a", 1)}) == 2
    assert on.StepStarted("a", 1) != on.UndoStarted("a", 1)
    assert do.StartStep("a", 1) != do.UndoStep("a", 1)
    assert flight != ("a", 1, "")


def test_a_default_that_is_said_is_the_same_as_one_that_is_not() -> None:
    assert Flight("a") == Flight("a", 0, "") == Flight(step="a", reason="")


def test_a_value_cannot_be_changed() -> None:
    flight: Any = Flight("a")
    with pytest.raises(FrozenInstanceError):
        flight.step = "b"
    with pytest.raises(FrozenInstanceError):
        flight.wings = 2
    with pytest.raises(FrozenInstanceError):
        del flight.step


def test_the_tools_of_dataclasses_work_on_a_value() -> None:
    assert [field.name for field in fields(Flight)] == ["step", "attempt", "reason"]
    assert replace(Flight("a", 1), step="b") == Flight("b", 1)
    match Flight("a", 2):
        case Flight(step, attempt, reason=""):
            assert (step, attempt) == ("a", 2)
        case _:
            raise AssertionError


leg_fields = st.dictionaries(st.sampled_from(["step", "attempt", "seats", "note", "wings"]), words)


@given(leg_fields, leg_fields)
def test_a_value_with_slots_is_made_shown_compared_and_hashed_as_a_dataclass_is(
    named: dict[str, str], other_named: dict[str, str]
) -> None:
    one, twin = made(Leg, [], named), made(LegTwin, [], named)
    assert repr(one) == repr(twin).replace("LegTwin", "Leg")
    other, other_twin = made(Leg, [], other_named), made(LegTwin, [], other_named)
    assert (one == other) == (twin == other_twin)
    if one == other and "seats" in named:
        assert hash(one) == hash(other)


def test_a_value_with_slots_takes_no_more_room_than_a_dataclass() -> None:
    leg, twin = Leg(step="a"), LegTwin(step="a")
    assert sys.getsizeof(leg) == sys.getsizeof(twin)
    assert not hasattr(leg, "__dict__")
    assert leg != twin
    assert leg.seats is not Leg(step="a").seats
    with pytest.raises(TypeError, match="unhashable"):
        hash(leg)


def test_a_wrong_argument_for_slots_is_answered_with_its_name() -> None:
    leg: Any = Leg
    with pytest.raises(TypeError, match=r"^Leg needs 'step'$"):
        leg(attempt=1)
    with pytest.raises(TypeError, match=r"^Leg has no 'wings', 'wheels'$"):
        leg(step="a", wings=2, wheels=3)
    with pytest.raises(TypeError, match="positional"):
        leg("a")


def test_a_value_with_slots_cannot_be_changed() -> None:
    leg: Any = Leg(step="a")
    with pytest.raises(FrozenInstanceError):
        leg.step = "b"
    with pytest.raises(FrozenInstanceError):
        leg.wings = 2
    with pytest.raises(FrozenInstanceError):
        del leg.step


def test_copies_of_a_value_with_slots_are_equal_to_it() -> None:
    leg = Leg(step="a", attempt=2, seats=["x"])
    assert [field.name for field in fields(leg)] == ["step", "attempt", "seats", "note"]
    assert replace(leg, step="b") == Leg(step="b", attempt=2, seats=["x"])
    assert copy.copy(leg) == leg == pickle.loads(pickle.dumps(leg))
    assert copy.copy(replace(leg, note="n")).note == "n"
    assert copy.deepcopy(leg).seats is not leg.seats
    match leg:
        case Leg(step="a", attempt=attempt):
            assert attempt == 2
        case _:
            raise AssertionError


def test_every_event_and_command_says_what_it_is() -> None:
    for kind in [*on.Event.__subclasses__(), *Value.__subclasses__()]:
        said = kind.__doc__ or ""  # `dataclasses` would write one: the name and the fields
        assert len(said.split()) > 3
        assert not said.startswith(f"{kind.__name__}(")
