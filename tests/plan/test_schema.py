"""The schema for editors and loading agree: what the schema refuses, loading refuses, too."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from fsm.document import parse_document
from fsm.engine.site import Site
from fsm.errors import Invalid
from fsm.plan import resolve
from fsm.plan.schema import json_schema

HERE = Path(__file__).parent
SCHEMA = json_schema()
VALIDATOR = Draft202012Validator(SCHEMA)

FULL = parse_document((HERE / "samples" / "plan-v1.yaml").read_text(), "plan-v1.yaml").data
S0 = {
    "plan": {
        "id": "plan-001",
        "name": "Implement Feature",
        "steps": [
            {
                "id": "step-1",
                "skill": "git-operations",
                "action": "create-branch",
                "params": {"name": "feature/PROJ-123-new-feature"},
                "rollback": {"action": "delete-branch"},
            },
            {
                "id": "step-2",
                "skill": "jira-write",
                "action": "transition",
                "params": {"issue": "PROJ-123", "status": "In Progress"},
                "dependsOn": ["step-1"],
            },
        ],
    }
}


def loads(data: Any) -> bool:
    try:
        resolve(parse_document(json.dumps(data), "plan.json"))
    except Invalid:
        return False
    return True


def with_step(**keys: Any) -> dict[str, Any]:
    return {"plan": {"id": "p", "steps": [{"id": "s", **keys}]}}


def test_the_schema_says_how_long_a_step_has_to_end_after_its_timeout() -> None:
    grace = f"{Site.step_grace_seconds:g}s"
    for text in (
        json.dumps(json_schema()),
        (HERE.parents[1] / "README.md").read_text(encoding="utf-8"),
    ):
        assert re.search(rf"SIGTERM.{{1,60}}\b{grace}\b", text)


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    json.dumps(SCHEMA)


@pytest.mark.parametrize("data", [FULL, S0, with_step(run=["a", 1, True], timeout=1.5)])
def test_a_plan_that_loads_is_accepted(data: Any) -> None:
    VALIDATOR.validate(data)
    assert loads(data)


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"plan": {}},
        {"plan": {"id": "p", "steps": []}},
        {"plan": {"id": "p p", "steps": [{"id": "s", "run": "x"}]}},
        {**S0, "more": 1},
        with_step(run="x", need="b"),
        with_step(),
        with_step(skill="git"),
        with_step(action="tag"),
        with_step(run="x", skill="git", action="tag"),
        with_step(run="x", params={}),
        with_step(run=""),
        with_step(run=[]),
        with_step(run=[["x"]]),
        with_step(run="x", timeout="soon"),
        with_step(run="x", timeout=-1),
        with_step(run="x", retry={"delay": "1s"}),
        with_step(run="x", retry=0),
        with_step(run="x", retry={"attempts": 2, "max_delay": 1, "maxDelay": 1}),
        with_step(run="x", depends_on=[], dependsOn=[]),
        with_step(run="x", rollback={"retry": 1}),
        with_step(run="x", rollback={"run": "y", "action": "z"}),
        with_step(run="x", check={"run": "y", "on": "started"}),
        with_step(run="x", on_failure="ignore"),
        with_step(run="x", env={"A": []}),
        with_step(run="x", idempotent="yes"),
    ],
)
def test_what_the_schema_refuses_does_not_load(data: Any) -> None:
    assert not VALIDATOR.is_valid(data)
    assert not loads(data)


def places(data: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path]
    items = (
        data.items()
        if isinstance(data, dict)
        else enumerate(data)
        if isinstance(data, list)
        else ()
    )
    for key, item in items:
        found.extend(places(item, (*path, key)))
    return found


ODD = st.sampled_from(
    [
        None,
        True,
        False,
        0,
        1,
        -1,
        2.5,
        "",
        " ",
        "x",
        "10m",
        "pause",
        [],
        [1],
        ["a"],
        {},
        {"run": "x"},
        {"a": 1},
    ]
)


def with_odd(data: Any, path: tuple[Any, ...], odd: Any) -> Any:
    """The same, with that value at that place."""
    changed = place = copy.deepcopy(data)
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = odd
    return changed


@given(st.sampled_from(places(FULL)[1:]), ODD)
@settings(deadline=None, max_examples=300)
def test_a_plan_with_one_odd_value_never_loads_against_the_schema(
    path: tuple[Any, ...], odd: Any
) -> None:
    data = with_odd(FULL, path, odd)
    if not VALIDATOR.is_valid(data):
        assert not loads(data)


def test_every_key_is_described_in_both_spellings() -> None:
    shapes = {name: shape for name, shape in SCHEMA["$defs"].items() if "properties" in shape}
    assert {
        "PlanKeys",
        "Step",
        "Retry",
        "Rollback",
        "Call",
        "ErrorHandling",
        "MultipleFailures",
    } <= shapes.keys()
    for name, shape in shapes.items():
        assert shape["description"], name
        assert shape["additionalProperties"] is False
        for key, about in shape["properties"].items():
            target = SCHEMA["$defs"][about["$ref"].rpartition("/")[2]] if "$ref" in about else about
            assert about.get("description") or target["description"], f"{name}.{key}"
    assert {"depends_on", "dependsOn", "dry_run", "dryRun", "if"} <= shapes["Step"][
        "properties"
    ].keys()


def test_a_schema_can_be_changed_without_changing_the_next() -> None:
    json_schema()["$defs"].clear()
    assert json_schema() == SCHEMA
