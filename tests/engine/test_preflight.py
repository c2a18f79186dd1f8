from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest

from fsm.engine.ports import Failed
from fsm.engine.preflight import Findings, preflight
from fsm.engine.site import Site
from fsm.errors import Problem
from fsm.plan.model import Call, Plan

from .world import Scripted, plan, step


def found(of: Plan, folder: Path, action: Scripted, environ: Mapping[str, str]) -> Findings:
    site = Site("preflight", of, folder, folder / "logs", environ)
    return asyncio.run(preflight(site, {"scripted": action}))


DRY = Call(skill="scripted", action="try")


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
            "step `a`: the working folder FOLDER/missing does not exist; make it, or mend `cwd`",
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


def test_a_secret_whose_value_stands_in_the_plan_is_refused(tmp_path: Path) -> None:
    of = plan(
        step("a", call=Call(skill="scripted", action="x", params={"t": "hunter2hunter2"})),
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
    findings = found(plan(step("a")), tmp_path, action, {})
    assert list(map(str, findings.problems)) == [
        "step `a`: `x` is not found on PATH; install it",
        "step `a`, rollback: `x` is not found on PATH; install it",
    ]


def test_dry_runs_are_made_in_order_and_only_if_all_else_is_well(tmp_path: Path) -> None:
    action = Scripted()
    of = plan(step("a", dry_run=DRY), step("b", "a", dry_run=DRY))
    assert found(of, tmp_path, action, {}).problems == []
    assert action.asked == ["dry_run a.1", "dry_run b.1"]


def test_a_dry_run_that_fails_is_a_problem_with_its_last_words(tmp_path: Path) -> None:
    action = Scripted(lambda _: Failed("exit code 3", 3, "one\nno such host\n"))
    findings = found(plan(step("a", dry_run=DRY)), tmp_path, action, {})
    assert list(map(str, findings.problems)) == ["step `a`, dry_run: exit code 3: no such host"]


def test_a_dry_run_that_needs_earlier_outputs_is_postponed_and_named(tmp_path: Path) -> None:
    action = Scripted()
    later = step("b", "a", dry_run=DRY, env={"N": {"$template": "{{ steps.a.outputs.n }}"}})
    findings = found(plan(step("a"), later), tmp_path, action, {})
    assert findings.postponed == ["b"]
    assert action.tasks == []
