"""The table of what validation looked at."""

from __future__ import annotations

from collections.abc import Callable

from fsm.engine.findings import Fault, Findings, StepFindings
from fsm.plan.model import Plan
from fsm.views.validation import validation_json, validation_text

WELL = StepFindings("fetch", {"inputs": True, "permissions": True}, "ok")
ROWS = (
    WELL,
    StepFindings("build", {"inputs": True, "permissions": False, "targets": True}, "not_made"),
    StepFindings("publish-everywhere", {"targets": False}),
    StepFindings("tell", {"inputs": True}, "needs_outputs", ("build", "a", "b", "c")),
    StepFindings("日本", {"inputs": False}, "failed"),
)
FAULTS = (
    Fault("the secret TOKEN is not set", "set it with: export TOKEN=…", "permissions"),
    Fault("there is no `x`\x1b[1m", "make it", "targets", "rollback", ("build", "tell")),
)


def test_the_table_shows_what_was_looked_at_and_below_it_all_that_is_wrong(
    plan_of: Callable[..., Plan], snapshot: Callable[[str, str], None]
) -> None:
    snapshot("validation.txt", validation_text(plan_of({}), Findings(20, FAULTS, ROWS)) + "\n")


def test_the_json_has_every_step_and_for_each_problem_its_steps(
    plan_of: Callable[..., Plan],
) -> None:
    data = validation_json(plan_of({}), Findings(20, FAULTS, ROWS))
    assert data["valid"] is False
    assert data["steps"] == [
        {"id": "fetch", "inputs": "ok", "permissions": "ok", "targets": "none", "dry_run": "ok"},
        {"id": "build", "inputs": "ok", "permissions": "failed", "targets": "ok", "dry_run": "not_made"},
        {"id": "publish-everywhere", "inputs": "none", "permissions": "none", "targets": "failed",
         "dry_run": "none"},
        {"id": "tell", "inputs": "ok", "permissions": "none", "targets": "none",
         "dry_run": "needs_outputs", "needs": ["build", "a", "b", "c"]},
        {"id": "日本", "inputs": "failed", "permissions": "none", "targets": "none", "dry_run": "failed"},
    ]  # fmt: skip
    assert data["problems"] == [
        {"file": "", "line": 0, "column": 0, "message": "the secret TOKEN is not set",
         "hint": "set it with: export TOKEN=…", "steps": [], "aspect": "permissions"},
        {"file": "", "line": 0, "column": 0,
         "message": "steps `build`, `tell`, rollback: there is no `x`\x1b[1m", "hint": "make it",
         "steps": ["build", "tell"], "aspect": "targets"},
    ]  # fmt: skip


def many(*faulty: int) -> Findings:
    rows = [
        StepFindings(
            f"s{n}", {"inputs": True, "targets": n not in faulty}, "ok" if n % 2 else "none"
        )
        for n in range(120)
    ]
    fault = Fault("there is no `x`", "", "targets", "", tuple(f"s{n}" for n in faulty))
    return Findings(300, (fault,) if faulty else (), rows)


def table(findings: Findings, plan: Plan, *, full: bool = False) -> list[str]:
    return validation_text(plan, findings, full=full).split("\n\n")[0].split("\n")


def test_of_a_long_plan_only_the_steps_that_are_not_well_are_shown(
    plan_of: Callable[..., Plan],
) -> None:
    assert table(many(17, 80), plan_of({})) == [
        "  step      inputs  permissions  targets  dry-run",
        "  s17       ✓       –            ✗        ✓",
        "  s80       ✓       –            ✗        –",
        "  118 more  ✓       –            ✓        59 ✓, 59 –",
    ]
    assert table(many(), plan_of({})) == [
        "  step     inputs  permissions  targets  dry-run",
        "  all 120  ✓       –            ✓        60 ✓, 60 –",
    ]
    assert table(many(*range(70)), plan_of({}))[-1].startswith(
        "  70 more  ✓       –            50 ✓, 20 ✗  "
    )
    assert len(table(many(17), plan_of({}), full=True)) == 121


def test_fifty_steps_are_shown_whole(plan_of: Callable[..., Plan]) -> None:
    assert len(table(Findings(50, (), [WELL] * 50), plan_of({}))) == 51
