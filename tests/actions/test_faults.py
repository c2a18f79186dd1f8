"""What is wrong with a skill in Python is told where it is named, before any of it runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import pytest

from fsm.actions.python.faults import faults
from fsm.actions.python.skill import Secret, Skill
from fsm.plan.skill import value_fault


class Unknown:
    """A type that pydantic does not know."""


def plain() -> None: ...
def unknown(a: Unknown) -> None: ...
def nested(a: dict[str, Unknown]) -> None: ...
def any_number(*a: int) -> None: ...
def any_names(**a: int) -> None: ...
def by_place(a: int, /) -> None: ...
def no_json(a: Any = Unknown()) -> None: ...  # noqa: B008
def no_number(a: float = float("nan")) -> None: ...
def told(a: Annotated[str, Secret] = "hunter2") -> None: ...
def well(a: Secret, b: Secret | None = None, c: Annotated[str, Secret()] = "") -> None: ...


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (unknown, "`a` is annotated with"),
        (nested, "`a` is annotated with"),
        (any_number, "`*a: 'int'` cannot be given by name"),
        (any_names, "cannot be given by name"),
        (by_place, "cannot be given by name"),
        (no_json, "the default of `a` is not JSON"),
        (no_number, "the default of `a` is not JSON"),
        (told, "`a` is secret, and has a default"),
    ],
)
def test_a_function_that_no_plan_could_call_is_a_fault(
    function: Callable[..., Any], words: str
) -> None:
    skill = Skill("sample")
    skill.action(name="go")(function)
    (fault,) = faults(skill)
    assert fault.message.startswith("action `go`: ")
    assert words in fault.message
    assert fault.hint


@pytest.mark.parametrize(
    "options",
    [
        {"risk": "none"},
        {"undo": "nope"},
        {"undo": 3},
        {"needs": {"commands": ["x"]}},
        {"name": "a b"},
    ],
)
def test_an_action_whose_declaration_makes_no_sense_is_a_fault(options: dict[str, Any]) -> None:
    skill = Skill("sample")
    skill.action(**options)(plain)
    (fault,) = faults(skill)
    assert fault.hint


@pytest.mark.parametrize("name", ["", "a b", "-a", "a/b", "a" * 65, 3])
def test_the_name_of_a_skill_can_be_written_in_a_plan(name: Any) -> None:
    assert [str(fault) for fault in faults(Skill(name))]


def test_a_probe_takes_only_what_its_action_has() -> None:
    skill = Skill("sample")
    action = skill.action(name="go")(well)
    action.check(lambda a: bool(a))
    assert not list(faults(skill))
    action.dry_run(lambda z: z)
    (fault,) = faults(skill)
    assert "takes `z`, which it does not have" in fault.message


def test_a_secret_is_marked_in_any_of_the_usual_ways() -> None:
    skill = Skill("sample")
    spec = skill.action(name="go")(well).spec
    assert [parameter.secret for parameter in spec.params] == [True, True, True]
    assert [value_fault(parameter, "x") for parameter in spec.params] == ["", "", ""]
    assert value_fault(spec.params[0], 3) == "must be text"
