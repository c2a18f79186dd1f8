from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path

import pytest
from pydantic import JsonValue

from fsm.engine.ports import Failed
from fsm.engine.preflight import Findings, preflight
from fsm.engine.site import Site
from fsm.errors import Problem
from fsm.plan import load_plan
from fsm.plan.model import Call, Plan, Rollback

from .world import Scripted, plan, step


def found(of: Plan, folder: Path, action: Scripted, environ: Mapping[str, str]) -> Findings:
    site = Site("preflight", of, folder, folder / "logs", environ)
    return asyncio.run(preflight(site, {"scripted": action}))


DRY = Call(skill="scripted", action="try")
SECRET = Call(skill="scripted", action="x", params={"t": [{"$template": "x {{ secrets.TOKEN }}"}]})


@pytest.mark.parametrize(
    ("of", "problem"),
    [
        (
            plan(step("a"), secrets=("TOKEN",)),
            "the secret TOKEN is not set; set it with: export TOKEN=…",
        ),
        (
            plan(step("a", required_env=("REGION",))),
            "step `a`: the environment variable REGION is not set; set it: export REGION=…",
        ),
        (
            plan(step("a", call=Call(skill="magic", action="x"))),
            "step `a`: no skill is called `magic`; there is: scripted",
        ),
        (
            plan(step("a", check=Call(skill="magic", action="x"))),
            "step `a`, check: no skill is called `magic`; there is: scripted",
        ),
        (
            plan(step("a", cwd="missing")),
            "step `a`: the working folder FOLDER/missing does not exist; make it, or mend `cwd`; "
            "a step that makes it says so: `makes: [PATH]`",
        ),
        (
            plan(*(step(f"s{n}", required_env=("REGION",)) for n in range(8))),
            "steps `s0`, `s1`, `s2`, `s3`, `s4` and 3 more: the environment variable REGION is not set; "
            "set it: export REGION=…",
        ),
        (
            plan(step("a", call=SECRET), step("b", call=SECRET), secrets=("TOKEN",)),
            "steps `a`, `b`: the secret TOKEN is not set; set it with: export TOKEN=…",
        ),
    ],
)
def test_what_would_break_is_found_before_anything_runs(
    tmp_path: Path, of: Plan, problem: str
) -> None:
    action = Scripted()
    findings = found(of, tmp_path, action, {})
    assert [str(p).replace(str(tmp_path), "FOLDER") for p in findings.problems] == [problem]
    assert action.tasks == []


@pytest.mark.parametrize("value", ["hunter2hunter2", b64encode(b"user:hunter2hunter2").decode()])
def test_a_secret_whose_value_stands_in_the_plan_is_refused(tmp_path: Path, value: str) -> None:
    of = plan(
        step("a", call=Call(skill="scripted", action="x", params={"t": value})),
        secrets=("T",),
    )
    findings = found(of, tmp_path, Scripted(), {"T": "hunter2hunter2"})
    assert [problem.message for problem in findings.problems] == [
        "the value of the secret T stands in the plan"
    ]


def test_what_an_action_says_of_a_call_names_the_step_and_the_call(tmp_path: Path) -> None:
    action = Scripted(
        inspection={"permissions": [Problem("`x` is not found on PATH", "install it")]}
    )
    undo = Rollback(call=Call(skill="scripted", action="undo"))
    findings = found(plan(step("a", rollback=undo, check=undo.call)), tmp_path, action, {})
    assert list(map(str, findings.problems)) == [
        "step `a`: `x` is not found on PATH; install it",
        "step `a`, rollback: `x` is not found on PATH; install it",
    ]


def test_what_was_looked_at_is_told_step_by_step(tmp_path: Path) -> None:
    action = Scripted(inspection={"inputs": [], "targets": [Problem("there is no `x`")]})
    of = plan(step("a"), step("b", cwd="missing"), step("c", call=Call(skill="magic", action="x")))
    assert [(row.step, row.aspects) for row in found(of, tmp_path, action, {}).steps] == [
        ("a", {"permissions": True, "inputs": True, "targets": False}),
        ("b", {"targets": False}),
        ("c", {"permissions": True, "inputs": False, "targets": False}),
    ]


def test_an_action_is_given_secrets_as_they_are_and_outputs_as_templates(tmp_path: Path) -> None:
    later: JsonValue = {"$template": "{{ secrets.TOKEN }}{{ steps.a.outputs.n }}"}
    params = {"now": {"$template": "x {{ secrets.TOKEN }}"}, "later": [later]}
    of = plan(
        step("a", call=Call(skill="scripted", action="x"), rollback=None),
        step("b", "a", call=Call(skill="scripted", action="x", params=params), rollback=None),
        secrets=("TOKEN",),
    )
    action = Scripted()
    found(of, tmp_path, action, {"TOKEN": "hunter2"})
    assert action.inspected == [{}, {"now": "x hunter2", "later": [later]}]


def test_dry_runs_are_made_in_order(tmp_path: Path) -> None:
    action = Scripted()
    of = plan(step("a", dry_run=DRY), step("b", "a", dry_run=DRY), step("c"))
    findings = found(of, tmp_path, action, {})
    assert findings.problems == []
    assert action.asked == ["dry_run a.1", "dry_run b.1"]
    assert [row.dry_run for row in findings.steps] == ["ok", "ok", "none"]


def test_no_dry_run_is_made_from_the_first_step_on_that_is_not_well(tmp_path: Path) -> None:
    action = Scripted()
    of = plan(step("a", dry_run=DRY), step("b", dry_run=DRY, cwd="no"), step("c", dry_run=DRY))
    findings = found(of, tmp_path, action, {})
    assert action.asked == ["dry_run a.1"]
    assert [row.dry_run for row in findings.steps] == ["ok", "not_made", "not_made"]


def test_no_dry_run_is_made_while_something_is_wrong_with_the_plan_itself(tmp_path: Path) -> None:
    action = Scripted()
    findings = found(plan(step("a", dry_run=DRY), secrets=("TOKEN",)), tmp_path, action, {})
    assert action.asked == []
    assert [row.dry_run for row in findings.steps] == ["not_made"]


def test_a_dry_run_that_fails_is_a_problem_with_its_last_words(tmp_path: Path) -> None:
    action = Scripted(lambda _: Failed("exit code 3", 3, "one\nno such host\n"))
    of = plan(step("a", dry_run=DRY), step("b", dry_run=DRY))
    findings = found(of, tmp_path, action, {})
    assert list(map(str, findings.problems)) == [
        "steps `a`, `b`, dry_run: exit code 3: no such host"
    ]
    assert [row.dry_run for row in findings.steps] == ["failed", "failed"]


def test_a_dry_run_that_needs_earlier_outputs_is_not_made_and_says_whose(tmp_path: Path) -> None:
    action = Scripted()
    later = step("b", "a", dry_run=DRY, env={"N": {"$template": "{{ steps.a.outputs.n }}"}})
    findings = found(plan(step("a"), later), tmp_path, action, {})
    assert [(row.dry_run, row.needs) for row in findings.steps] == [
        ("none", ()),
        ("needs_outputs", ["a"]),
    ]
    assert action.tasks == []


def test_what_is_wrong_with_steps_names_the_place_of_the_first_or_of_its_call(
    tmp_path: Path,
) -> None:
    file = tmp_path / "plan.yaml"
    lines = [
        "plan:",
        "  id: p",
        "  secrets: [TOKEN]",
        "  steps:",
        "    - {id: one, skill: scripted, action: x, env: {HERE: '1'}}",
        "    - id: two",
        "      skill: scripted",
        "      action: x",
        "      env: {REGION: }",
        "      rollback: {skill: magic, action: x}",
        "    - {id: three, skill: scripted, action: x, env: {REGION: }}",
    ]
    file.write_text("\n".join(lines))
    places = [
        (problem.path, problem.line, problem.column)
        for problem in found(load_plan(file), tmp_path, Scripted(), {}).problems
    ]
    assert places == [("", 0, 0), (str(file), 6, 7), (str(file), 10, 7)]


def test_a_specification_of_phases_names_the_place_of_the_phase(tmp_path: Path) -> None:
    file = tmp_path / "flow.json"
    file.write_text('{"workflow_id": "w",\n "phases": [\n  {"name": "a", "command": "ls"}]}')
    (problem,) = found(load_plan(file), tmp_path, Scripted(), {}).problems
    assert str(problem).startswith(f"{file}:3:3  step `a`: no skill is called `shell`")
