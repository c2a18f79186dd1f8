"""Stored plans: read back as pydantic would by the model's annotations, or refused with the place."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import fields
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from fsm.errors import Damaged
from fsm.plan import Plan
from fsm.plan.model import Outline, Step
from fsm.plan.stored import READERS

SAMPLE: dict[str, Any] = json.loads((Path(__file__).parent / "samples/plan-v1.json").read_bytes())


def test_every_field_of_every_part_has_its_reader() -> None:
    for part, readers in READERS.items():
        assert list(readers) == [field.name for field in fields(part)]  # type: ignore[arg-type]


def places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    yield path
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from places(value[key], (*path, key))


FULL = copy.deepcopy(SAMPLE)
"""The sample, and a step that has whatever a step may have."""
_call = {"skill": "s", "action": "a", "params": {"x": [1, {"$template": "{{ run.id }}"}]}}
_retry = {
    "attempts": 2,
    "delay_seconds": 1.5,
    "factor": 3.0,
    "max_delay_seconds": 9.0,
    "jitter": 0.5,
}
FULL["steps"].append(
    {
        "id": "full",
        "name": "F",
        "description": "d",
        "call": _call,
        "depends_on": ["a"],
        "condition": "true",
        "env": {"A": "1", "B": {"$template": "{{ run.id }}"}},
        "required_env": ["HOME"],
        "cwd": "x",
        "makes": ["y"],
        "timeout_seconds": 3,
        "retry": _retry,
        "idempotent": True,
        "check": _call,
        "dry_run": _call,
        "on_failure": "skip_dependents",
        "read_only": True,
        "checkpoint": True,
        "rollback": {"call": _call, "retry": _retry, "timeout_seconds": 1.0, "on": "started"},
    }
)
FULL["error_handling"] = {
    "single_failure": "abort",
    "several": 3,
    "multiple_failures": "continue",
    "rollback_failure": "alert",
}
FULL |= {
    "parallel": 7,
    "checkpoint_interval": 5,
    "description": "d",
    "required_env": ["A"],
    "secrets": ["B"],
}
PLACES = list(places(FULL))
WRONG: list[Any] = [
    *(None, True, False, 0, 1, 2, -1, 1000, 1001, 0.0, 0.5, 1.0, -0.1, 1e300, 2**70, "", "x", "1"),
    *("pause", "alert", "started", "stop", [], ["x"], [1], {}, {"x": "y"}, {"x": 1}),
    *({"$template": "x"}, {"$template": 1}, {"$template": "x", "y": 1}, {"x": {"$template": "x"}}),
]


def outcome(read: Any, document: bytes) -> Any:
    try:
        return read(document)
    except ValueError:
        return "refused"


def agree(pydantic_plan: TypeAdapter[Plan], data: Any) -> None:
    document = json.dumps(data).encode()
    ours = outcome(Plan.from_document, document)
    theirs = outcome(pydantic_plan.validate_json, document)
    if isinstance(data, dict) and type(data.get("format", 1)) is not int:
        theirs = "refused"  # pydantic takes true, and 1.0, for the number of a format
    assert repr(ours) == repr(theirs)  # `==` takes 1 for 1.0 and True


def test_a_plan_that_has_everything_is_read_as_pydantic_reads_it(
    pydantic_plan: TypeAdapter[Plan],
) -> None:
    assert isinstance(outcome(Plan.from_document, json.dumps(FULL).encode()), Plan)
    agree(pydantic_plan, FULL)


@pytest.mark.parametrize("path", PLACES, ids=lambda path: "/".join(map(str, path)) or "all")
def test_whatever_stands_at_a_place_is_taken_or_refused_as_pydantic_does(
    path: tuple[str | int, ...], pydantic_plan: TypeAdapter[Plan]
) -> None:
    for wrong in WRONG:
        agree(pydantic_plan, put(FULL, path, wrong))


@pytest.mark.parametrize("path", [path for path in PLACES if path], ids=str)
def test_what_is_missing_is_missed_and_what_is_unknown_is_refused_as_pydantic_does(
    path: tuple[str | int, ...], pydantic_plan: TypeAdapter[Plan]
) -> None:
    data = copy.deepcopy(FULL)
    *above, last = path
    place: Any = data
    for key in above:
        place = place[key]
    if isinstance(last, str):
        place["surprise"] = place[last]
        agree(pydantic_plan, data)
        del place["surprise"]
    del place[last]
    agree(pydantic_plan, data)


@given(st.lists(st.tuples(st.sampled_from(PLACES), st.sampled_from(WRONG)), min_size=2, max_size=4))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_several_changes_at_once_are_judged_as_pydantic_judges_them(
    pydantic_plan: TypeAdapter[Plan], changes: list[tuple[tuple[str | int, ...], Any]]
) -> None:
    data: Any = FULL
    for path, value in changes:
        try:
            data = put(data, path, value)
        except (KeyError, IndexError, TypeError):
            continue  # an earlier change took the place away
    agree(pydantic_plan, data)


def put(data: Any, path: tuple[str | int, ...], value: Any) -> Any:
    """A copy of `data` in which `value` stands at `path`."""
    if not path:
        return value
    key, *rest = path
    copied = copy.copy(data)
    copied[key] = put(copied[key], tuple(rest), value)
    return copied


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "Expecting property name"),
        ('{"id": "\\ud', "Invalid"),
        ("[" * 100_000, "nested too deeply"),
        ('{"params": {"x": NaN}}', "NaN is no number of JSON"),
        ("[]", "^must be a mapping$"),
        ("{}", "^`id`, `name`, `steps` is missing$"),
        ('{"surprise": 1}', "^`surprise` is no key of this version$"),
        ('{"format": 2}', "^`format`: must be one of 1$"),
        ('{"parallel": 1001}', "^`parallel`: must be a whole number from 1 to 1000$"),
        ('{"steps": []}', "^`steps`: must be a list that is not empty$"),
        (
            '{"steps": [{"retry": {"jitter": 2}}]}',
            "^`steps`: item 1: `retry`: `jitter`: must be a number from 0 to 1$",
        ),
        (
            '{"env": {"A": {"$template": 1}}}',
            "^`env`: `A`: must be text or a template$",
        ),
        ('{"skills": {"s": []}}', "^`skills`: `s`: is no skill of this version"),
        ('{"skills": {"s": {"source": "shipped"}}}', "^`skills`: `s`: is no skill of this version"),
        (
            '{"skills": {"s": {"source": "shipped", "actions": {"a": {"name": "a", "moods": []}}}}}',
            "^`skills`: `s`: is no skill of this version .*'moods'",
        ),
    ],
)
def test_a_document_that_is_no_plan_of_this_version_is_refused_with_the_place(
    text: str, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        Plan.from_document(text.encode())


def test_a_document_that_is_no_utf_8_is_refused() -> None:
    with pytest.raises(ValueError, match="utf-8"):
        Plan.from_document(json.dumps(SAMPLE).encode("utf-16"))


WHOLE = {
    **FULL,
    "steps": [*FULL["steps"][:-1], {**FULL["steps"][-1], "depends_on": [FULL["steps"][0]["id"]]}],
}
"""The same, with dependencies that are there."""


def canonical(data: Any) -> bytes:
    return json.dumps(data, separators=(",", ":"), ensure_ascii=False).encode()


@given(st.lists(st.text(min_size=1), min_size=1, max_size=6, unique=True), st.data())
@settings(deadline=None)
def test_a_plan_is_read_by_its_outline_as_it_is_read_whole(
    names: list[str], data: st.DataObject
) -> None:
    steps = []
    for place, name in enumerate(names):
        before = data.draw(st.lists(st.sampled_from(names[:place]), unique=True)) if place else []
        steps.append(
            {**FULL["steps"][-1], "id": name, "name": f'"{name}",{{', "depends_on": before}
        )
    document = canonical({**FULL, "params": {"steps": [{"id": '"steps":[{'}]}, "steps": steps})
    whole = Plan.from_document(document)
    sketched = Plan.from_document(document, whole.outline)
    assert sketched.outline == whole.outline
    assert sketched == whole
    assert repr(sketched) == repr(whole)
    assert sketched.digest == whole.digest


def test_of_a_sketched_plan_only_the_steps_that_are_asked_for_are_read() -> None:
    document = canonical(WHOLE)
    *first, (start, end) = pairwise(Plan.from_document(document).outline.starts)
    blank = document[:start] + b" " * (end - start - 1) + document[end - 1 :]
    sketched = Plan.from_document(blank, Plan.from_document(document).outline)
    last = sketched.steps[-1]
    assert (last.id, last.depends_on) == ("full", (FULL["steps"][0]["id"],))
    assert all(step.name for step in sketched.steps[:-1])
    assert len(first) == len(sketched.steps) - 1
    with pytest.raises(
        Damaged, match="step `full` of the stored plan cannot be read by this version"
    ):
        _ = last.name


def test_which_steps_say_something_under_a_key_is_found_without_reading_those_that_say_nothing() -> (
    None
):
    bare = {"id": "a", "name": "a", "call": _call}
    for key in READERS[Step].keys() - bare.keys():
        said = bare | {"id": "b", key: FULL["steps"][-1][key]}
        plan = Plan.from_document(canonical({"id": "p", "name": "p", "steps": [bare, said]}))
        assert "b" in [step.id for step in plan.steps_with(key)]
        plan = Plan.from_document(canonical({"id": "p", "name": "p", "steps": [bare]}))
        assert not plan.steps_with(key)


def test_a_step_has_no_other_attributes_than_its_fields() -> None:
    step = Plan.from_document(canonical(WHOLE)).steps[0]
    with pytest.raises(AttributeError, match="surprise"):
        _ = step.surprise  # type: ignore[attr-defined]
    with pytest.raises(AttributeError):
        _ = object.__new__(Step).name


def test_an_outline_that_is_not_of_the_document_is_refused() -> None:
    document = canonical(WHOLE)
    ids, after, starts = Plan.from_document(document).outline
    for wrong in (
        Outline(ids, after, [start + 1 for start in starts]),
        Outline(ids, after, starts[:-1]),
        Outline(ids, after, [*starts[:-1], len(document) + 1]),
        Outline(ids[:-1], after, starts),
        Outline(ids, [], starts),
    ):
        with pytest.raises(ValueError, match=r"outline|Expecting|delimiter|Extra"):
            Plan.from_document(document, wrong)


def test_a_spaced_document_has_no_places_of_steps() -> None:
    assert not Plan.from_document(json.dumps(WHOLE).encode()).outline.starts
