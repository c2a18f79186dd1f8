"""What validation found, for reading."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fsm.views.text import count, shown

if TYPE_CHECKING:
    from pydantic import JsonValue

    from fsm.engine.preflight import Findings
    from fsm.plan.model import Plan

__all__ = ["validation_json", "validation_text"]


def validation_text(plan: Plan, findings: Findings) -> str:
    """The problems, or one line that says there are none."""
    if findings.problems:
        lines = [f"✗ {problem}" for problem in findings.problems]
        return "\n".join([*lines, f"{len(lines)} of {findings.checks} checks failed"])
    found = f"{count(len(plan.steps), 'step')}, {count(findings.checks, 'check')}, no problem"
    return f"✓ {shown(plan.name)}: {found}\n  digest {plan.digest}"


def validation_json(plan: Plan, findings: Findings) -> dict[str, JsonValue]:
    """The same as one JSON document."""
    return {
        "plan": plan.id,
        "digest": plan.digest,
        "valid": not findings.problems,
        "checks": findings.checks,
        "problems": [dict(problem.as_dict()) for problem in findings.problems],
    }
