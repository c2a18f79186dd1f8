"""Values behave as frozen dataclasses do, though their methods are written once for all."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, dataclass, fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsm.run import commands as do
from fsm.run import events as on
from fsm.values import Value


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


def test_every_event_and_command_says_what_it_is() -> None:
    for kind in [*on.Event.__subclasses__(), *Value.__subclasses__()]:
        said = kind.__doc__ or ""  # `dataclasses` would write one: the name and the fields
        assert len(said.split()) > 3
        assert not said.startswith(f"{kind.__name__}(")
