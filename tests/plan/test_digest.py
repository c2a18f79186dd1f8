"""What a digest names: the meaning of a plan, all of it, and nothing of how it was written."""

from __future__ import annotations

import copy
import hashlib
import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter
from pydantic.alias_generators import to_camel

from fsm.document import parse_document
from fsm.plan import Plan, load_plan, resolve

SAMPLES = Path(__file__).parent / "samples"
DIGEST_OF_V1 = "56b2449b6301d392622e266d95da17b5624756ee65f00fac81d4bcee289428f3"

BASE: dict[str, Any] = {
    "id": "release",
    "name": "Release",
    "description": "d",
    "params": {"x": 1, "deep": {"a": [1, {"b": "c", "d": None}], "e": "f"}},
    "secrets": ["TOKEN"],
    "env": {"A": "1", "B": "{{ run.id }}"},
    "parallel": 2,
    "checkpoint_interval": 100,
    "error_handling": {
        "single_failure": "abort",
        "multiple_failures": {"after": 3, "then": "abort"},
    },
    "steps": [
        {"id": "a", "run": "make"},
        {
            "id": "b",
            "name": "B",
            "description": "e",
            "skill": "git",
            "action": "tag",
            "params": {"name": "{{ steps.a.outputs.v }}", "n": 1, "deep": [{"k": "v", "l": "w"}]},
            "depends_on": ["a"],
            "if": "params.x == 1",
            "env": {"C": "2", "D": "3"},
            "cwd": "src",
            "timeout": "10m",
            "retry": {"attempts": 3, "delay": "2s", "factor": 3, "max_delay": "1m", "jitter": 0.1},
            "idempotent": True,
            "check": {"run": ["test", "-f", "done"]},
            "dry_run": "true",
            "rollback": {
                "action": "untag",
                "params": {"name": "v1"},
                "retry": 2,
                "timeout": 5,
                "on": "started",
            },
            "on_failure": "continue",
            "checkpoint": True,
        },
        {"id": "c", "run": ["echo", "1"]},
    ],
}


def load(plan: dict[str, Any]) -> Plan:
    return resolve(parse_document(json.dumps({"plan": plan}), "plan.json"))


def rewritten(value: Any, chance: random.Random, *, free: bool = False) -> Any:
    """The same plan with its keys in another order, and some in the other spelling."""
    if isinstance(value, list):
        return [rewritten(item, chance, free=free) for item in value]
    if not isinstance(value, dict):
        return value
    keys = list(value)
    chance.shuffle(keys)
    return {
        (to_camel(key) if not free and chance.random() < 0.5 else key): rewritten(
            value[key], chance, free=free or key in ("params", "env")
        )
        for key in keys
    }


@given(st.integers(0, 2**32))
@settings(deadline=None)
def test_the_order_of_keys_and_their_spelling_do_not_show_in_the_digest(seed: int) -> None:
    written = rewritten(BASE, random.Random(seed))
    assert load(written).digest == load(BASE).digest


CHANGES: list[tuple[str, Any]] = [
    ("id", "release2"),
    ("name", "Other"),
    ("description", "other"),
    ("params/x", 1.0),
    ("params/x", True),
    ("params/x", "1"),
    ("params/x", None),
    ("params/deep/a/0", 2),
    ("params/deep/a/1/d", False),
    ("params/deep/e", "g"),
    ("params/new", 1),
    ("secrets", ["TOKEN", "OTHER"]),
    ("secrets", []),
    ("env/A", "2"),
    ("env/B", "run.id"),
    ("env/E", ""),
    ("parallel", 3),
    ("checkpoint_interval", 1),
    ("error_handling/single_failure", "pause"),
    ("error_handling/multiple_failures/after", 4),
    ("error_handling/multiple_failures/then", "continue"),
    ("steps/0/id", "a2"),
    ("steps/0/run", ["make"]),
    ("steps/0/run", "make "),
    ("steps/1/name", "C"),
    ("steps/1/description", "f"),
    ("steps/0/read_only", True),
    ("steps/0/makes", ["bin/tool"]),
    ("steps/1/skill", "hg"),
    ("steps/1/action", "mark"),
    ("steps/1/params/name", "{{ steps.a.outputs.w }}"),
    ("steps/1/params/name", "steps.a.outputs.v"),
    ("steps/1/params/n", 1.0),
    ("steps/1/params/n", True),
    ("steps/1/params/deep/0/k", "x"),
    ("steps/1/depends_on", ["a", "c"]),
    ("steps/1/if", "params.x == 2"),
    ("steps/1/env/C", "3"),
    ("steps/1/cwd", "lib"),
    ("steps/1/timeout", "11m"),
    ("steps/1/retry/attempts", 4),
    ("steps/1/retry/delay", "3s"),
    ("steps/1/retry/factor", 4),
    ("steps/1/retry/max_delay", "2m"),
    ("steps/1/retry/jitter", 0.2),
    ("steps/1/idempotent", False),
    ("steps/1/check/run", ["test", "-f", "out"]),
    ("steps/1/dry_run", "false"),
    ("steps/1/rollback/action", "delete"),
    ("steps/1/rollback/params", {"name": "v2"}),
    ("steps/1/rollback/retry", 3),
    ("steps/1/rollback/timeout", 6),
    ("steps/1/rollback/on", "completed"),
    ("steps/1/on_failure", "stop"),
    ("steps/1/checkpoint", False),
    ("steps/2/run", ["echo 1"]),
    ("steps/2/run", ["echo", "1", ""]),
    ("steps/2/depends_on", "b"),
]


def changed(path: str, value: Any) -> dict[str, Any]:
    plan = copy.deepcopy(BASE)
    place: Any = plan
    *above, last = [int(key) if key.isdigit() else key for key in path.split("/")]
    for key in above:
        place = place[key]
    place[last] = value
    if path == "steps/0/id":
        plan["steps"][1]["depends_on"] = [value]
        plan["steps"][1]["params"]["name"] = f"{{{{ steps.{value}.outputs.v }}}}"
    return plan


def test_every_change_of_meaning_has_a_digest_of_its_own() -> None:
    digests = {load(BASE).digest: "nothing"}
    for path, value in CHANGES:
        digest = load(changed(path, value)).digest
        assert digest not in digests, f"{path}={value!r} has the digest of {digests[digest]}"
        digests[digest] = f"{path}={value!r}"


def test_the_order_of_steps_is_part_of_the_meaning() -> None:
    plan = copy.deepcopy(BASE)
    plan["steps"].insert(0, plan["steps"].pop())
    assert load(plan).digest != load(BASE).digest


def test_two_spellings_of_one_value_have_one_digest() -> None:
    for path, value in [
        ("steps/1/timeout", 600),
        ("steps/1/timeout", "600s"),
        ("steps/1/depends_on", "a"),
        ("steps/1/retry/delay", 2.0),
        ("steps/1/rollback/retry", {"attempts": 2, "delay": "1s", "factor": 2}),
        ("steps/1/check", ["test", "-f", "done"]),
        ("steps/1/dry_run", {"run": "true"}),
        ("steps/0/name", "a"),
        ("steps/0/retry", 1),
        ("steps/0/on_failure", "stop"),
        ("steps/0/checkpoint", False),
        ("error_handling/rollback_failure", "alert"),
    ]:
        assert load(changed(path, value)).digest == load(BASE).digest, path


def test_the_document_is_canonical_json_and_reads_back_as_the_same_plan(
    pydantic_plan: TypeAdapter[Plan],
) -> None:
    plan = load(BASE)
    data = pydantic_plan.dump_python(plan, mode="json", exclude_defaults=True) | {"format": 1}
    canonical = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert plan.document == canonical.encode()
    assert plan.digest == hashlib.sha256(plan.document).hexdigest()
    again = Plan.from_document(plan.document)
    assert again == plan
    assert replace(again).document == plan.document


TEXT = st.text(st.characters(exclude_characters="\0$", exclude_categories=["Cs"]))

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


@given(json_values)
@settings(deadline=None)
def test_a_parameter_of_any_value_survives_the_document(value: Any) -> None:
    one = {"id": "s", "skill": "a", "action": "b", "params": {"y": "{{ params.x }}"}}
    text = json.dumps({"plan": {"id": "p", "params": {"x": 0}, "steps": [one]}})
    plan = resolve(parse_document(text, "plan.json"), params={"x": value})
    again = Plan.from_document(plan.document)
    assert again == plan
    assert again.digest == replace(again).digest == plan.digest
    assert json.dumps(again.params["x"], sort_keys=True) == json.dumps(value, sort_keys=True)


def test_a_stored_plan_of_format_1_is_read_by_every_later_version() -> None:
    stored = (SAMPLES / "plan-v1.json").read_bytes()
    plan = Plan.from_document(stored)
    assert plan.document == replace(plan).document == stored
    assert plan.digest == DIGEST_OF_V1


def test_the_file_that_the_sample_was_made_from_still_means_the_same() -> None:
    plan = load_plan(SAMPLES / "plan-v1.yaml")
    assert plan.digest == DIGEST_OF_V1
    assert plan == Plan.from_document((SAMPLES / "plan-v1.json").read_bytes())


def test_a_plan_and_its_steps_cannot_be_changed() -> None:
    plan = load(BASE)
    with pytest.raises(AttributeError):
        plan.id = "other"  # type: ignore[misc]
    with pytest.raises(AttributeError):
        plan.steps[0].id = "other"  # type: ignore[misc]
