"""Skills in YAML: every problem in full, what a whole file means, and the schema for editors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from fsm.document import parse_document
from fsm.errors import Invalid
from fsm.plan import load_skill
from fsm.plan.loading.skill_file import resolve_skill
from fsm.plan.schema import skill_schema
from fsm.plan.skill import ActionSpec, Needs, Parameter, Undo, restored

from .test_schema import ODD, places, with_odd

HERE = Path(__file__).parent
FILES = sorted((HERE / "skill_problems").glob("*.yaml"))
SAMPLE = HERE / "samples" / "skill-v1.yaml"
FULL: Any = parse_document(SAMPLE.read_text(), "skill-v1.yaml").data
VALIDATOR = Draft202012Validator(skill_schema())


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_all_problems_of_a_skill_are_told_at_once_in_its_order(file: Path) -> None:
    text = file.read_text()
    expected = [line.removeprefix("#! ") for line in text.splitlines() if line.startswith("#! ")]
    assert expected
    with pytest.raises(Invalid) as refused:
        resolve_skill(parse_document(text, file.name, lenient=True))
    assert [str(problem) for problem in refused.value.problems] == expected


def test_a_whole_skill_says_what_its_file_says() -> None:
    spec = load_skill(SAMPLE)
    assert (spec.name, spec.source, spec.origin) == ("skill-v1", "declared", str(SAMPLE))
    assert list(spec.actions) == ["build", "clean", "look", "push", "fetch"]
    assert spec.actions["build"] == ActionSpec(
        name="build",
        description="Build it.",
        params=(
            Parameter(name="target", kind="text", required=True),
            Parameter(name="jobs", kind="integer", default=4, description="How many at once."),
            Parameter(name="mode", kind="text", default="fast", choices=("fast", "small")),
            Parameter(name="flags", kind="list", default=[], options=True),
            Parameter(name="token", kind="text", required=True, secret=True),
            Parameter(name="note", kind="text"),
        ),
        outputs=("wheel", "size"),
        needs=Needs(
            commands=("make",),
            env=("HOME", "CI"),
            secrets=("API_TOKEN",),
            files=("Makefile",),
            hosts=("pypi.org",),
            permissions=("write to the index",),
        ),
        idempotent=True,
        undo=Undo(
            action="clean",
            params={"target": "{{ params.target }}", "size": "{{ outputs.size }}", "deep": True},
        ),
        has_check=True,
        has_dry_run=True,
        run=[
            "make",
            "-j",
            {"$template": "{{ params.jobs }}"},
            "7",
            {"$template": "{{ params.flags }}"},
            "--",
            {"$template": "{{ params.target }}"},
        ],
        env={
            "TOKEN": {"$template": "{{ params.token }}"},
            "MODE": {"$template": "{{ params.mode }}"},
            "LEVEL": "1",
        },
        check='test -e "$MODE"',
        dry_run=["make", "-n", "--", {"$template": "{{ params.target }}"}],
        cwd="src",
        timeout_seconds=600.0,
    )
    assert spec.actions["look"].idempotent
    assert spec.actions["push"].risk == "irreversible"
    assert spec.actions["fetch"].call == {
        "skill": "http",
        "action": "get",
        "params": {
            "url": {"$template": "{{ params.url }}"},
            "headers": {"Token": {"$template": "{{ params.token }}"}},
            "n": [1],
        },
    }


def test_a_plan_keeps_of_a_skill_all_that_carries_it_out() -> None:
    spec = load_skill(SAMPLE)
    kept = json.loads(json.dumps(spec.stored(spec.actions)))
    again = restored("skill-v1", kept)
    assert again.stored(again.actions) == kept
    assert again.actions["build"].run == spec.actions["build"].run
    assert "description" not in json.dumps(kept)


def loads(data: Any) -> bool:
    try:
        resolve_skill(parse_document(json.dumps(data), "skill-v1.yaml"))
    except Invalid:
        return False
    return True


def test_the_schema_accepts_what_loads() -> None:
    Draft202012Validator.check_schema(skill_schema())
    VALIDATOR.validate(FULL)
    assert loads(FULL)
    assert not VALIDATOR.is_valid({"skill": {"name": "x"}})


@given(st.sampled_from(places(FULL)[1:]), ODD)
@settings(deadline=None, max_examples=300)
def test_a_skill_with_one_odd_value_never_loads_against_the_schema(
    path: tuple[Any, ...], odd: Any
) -> None:
    data = with_odd(FULL, path, odd)
    if not VALIDATOR.is_valid(data):
        assert not loads(data)
