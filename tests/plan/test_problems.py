"""Every kind of problem in full: each file of `problems/` ends with the lines that refuse it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fsm.document import parse_document
from fsm.errors import Invalid
from fsm.plan import load_plan, resolve

FILES = sorted((Path(__file__).parent / "problems").glob("*.yaml"))
DEEP = json.loads("[" * 34 + "]" * 34)
FINE = "plan: {id: release, params: {ticket: A-1}, steps: [{id: build, run: make}]}"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_all_problems_of_a_file_are_told_at_once_in_its_order(file: Path) -> None:
    text = file.read_text()
    expected = [line.removeprefix("#! ") for line in text.splitlines() if line.startswith("#! ")]
    assert expected
    with pytest.raises(Invalid) as refused:
        resolve(parse_document(text, "plan.yaml", lenient=True))
    assert [str(problem) for problem in refused.value.problems] == expected


def test_the_folder_of_problems_is_not_empty() -> None:
    assert len(FILES) > 25


def problems(text: str, **arguments: object) -> list[str]:
    with pytest.raises(Invalid) as refused:
        resolve(parse_document(text, "plan.yaml"), **arguments)  # type: ignore[arg-type]
    assert refused.value.exit_code == 2
    return [str(problem) for problem in refused.value.problems]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        (
            {"tikcet": "B-2"},
            "`--param tikcet`: the plan has no such parameter; did you mean `ticket`?",
        ),
        ({"zzz": 1}, "`--param zzz`: the plan has no such parameter; there is: `ticket`"),
        (
            {"ticket": float("nan")},
            "`--param ticket`: the value is not JSON; give text, a number, or JSON",
        ),
        (
            {"ticket": {1, 2}},
            "`--param ticket`: the value is not JSON; give text, a number, or JSON",
        ),
        (
            {"ticket": {1: 2}},
            "`--param ticket`: the value is not JSON; give text, a number, or JSON",
        ),
        (
            {"ticket": ["a", {"b": "\0"}]},
            "`--param ticket`: the value holds a NUL character; give text, a number, or JSON",
        ),
        (
            {"ticket": DEEP},
            "`--param ticket`: the value is nested more than 32 deep; give text, a number, or JSON",
        ),
        (
            {"ticket": "\udcff"},
            "`--param ticket`: the value is not valid Unicode; give text, a number, or JSON",
        ),
        (
            {"ticket": [{"$template": "{{ x }}"}]},
            "`--param ticket`: the value has the key `$template`, which fsm keeps for itself; "
            "give text, a number, or JSON",
        ),
    ],
)
def test_a_parameter_that_cannot_be_given_is_refused_without_a_place(
    params: dict[str, object], message: str
) -> None:
    assert problems(FINE, params=params) == [message]


KINDS = (
    "plan: {id: p, params: {text: 1.4.0, count: 3, dry: false, hosts: [a], map: {a: 1}, any: }, "
    "steps: [{id: build, run: make}]}"
)


@pytest.mark.parametrize(
    ("name", "text", "fault"),
    [
        ("count", "abc", "must be a number, as the declared `3` is, not text"),
        ("count", "", "must be a number, as the declared `3` is, not text"),
        ("count", "true", "must be a number, as the declared `3` is, not `true` or `false`"),
        ("count", "~", "must be a number, as the declared `3` is, not an empty value"),
        ("count", "[1", "must be a number, as the declared `3` is, not text"),
        ("dry", "yes", "must be `true` or `false`, as the declared `false` is, not text"),
        ("dry", "1", "must be `true` or `false`, as the declared `false` is, not a number"),
        ("hosts", "a", 'must be a list, as the declared `["a"]` is, not text'),
        ("map", "[a]", 'must be a mapping, as the declared `{"a": 1}` is, not a list'),
    ],
)
def test_a_parameter_that_is_typed_must_be_of_the_declared_kind(
    name: str, text: str, fault: str
) -> None:
    expected = f"`--param {name}` {fault}; give one, or declare it otherwise in the plan"
    assert problems(KINDS, typed={name: text}) == [expected]


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("text", "1.10", "1.10"),
        ("text", "true", "true"),
        ("text", "", ""),
        ("text", "[a", "[a"),
        ("count", "7", 7),
        ("count", "2.5", 2.5),
        ("dry", "true", True),
        ("hosts", "[a, b]", ["a", "b"]),
        ("hosts", "[]", []),
        ("map", '{"b": [2]}', {"b": [2]}),
        ("any", "x y", "x y"),
        ("any", "7", 7),
        ("any", "[a]", "[a]"),
    ],
)
def test_what_is_typed_is_read_as_what_is_declared(name: str, text: str, value: object) -> None:
    plan = resolve(parse_document(KINDS, "plan.yaml"), typed={name: text})
    assert plan.params[name] == value
    assert type(plan.params[name]) is type(value)


def test_a_parameter_without_end_is_refused() -> None:
    endless: list[object] = []
    endless.append(endless)
    assert problems(FINE, params={"ticket": endless}) == [
        "`--param ticket`: the value is not JSON; give text, a number, or JSON"
    ]


def test_a_plan_without_parameters_says_how_to_declare_one() -> None:
    assert problems(
        "plan: {id: release, steps: [{id: build, run: make}]}", params={"ticket": "A"}
    ) == ["`--param ticket`: the plan has no such parameter; declare it under the plan's `params`"]


@pytest.mark.parametrize("parallel", [0, -1, 1001, True])
def test_a_bound_for_parallel_steps_is_from_1_to_1000(parallel: int) -> None:
    assert problems(FINE, parallel=parallel) == [
        f"`--parallel {parallel}` must be a number from 1 to 1000; say how many steps may run at once"
    ]


def test_problems_of_arguments_come_before_those_of_the_file() -> None:
    assert problems(FINE.replace("run: make", "runn: make"), params={"x": 1}, parallel=0) == [
        "`--param x`: the plan has no such parameter; there is: `ticket`",
        "`--parallel 0` must be a number from 1 to 1000; say how many steps may run at once",
        "plan.yaml:1:64  step `build` has no key `runn`; did you mean `run`?",
    ]


def test_a_file_that_is_not_there_is_told_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"missing\.yaml"):
        load_plan(tmp_path / "missing.yaml")
