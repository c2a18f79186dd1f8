"""What the rules of good practice find in a plan, and what each of them says."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from fsm.plan.lint import RULES, Finding, Rule, example
from fsm.views.text import count, shown

if TYPE_CHECKING:
    from pydantic import JsonValue

    from fsm.plan.model import Plan

__all__ = ["lint_json", "lint_text", "rule_json", "rule_text", "rules_text"]


def lint_text(plan: Plan, findings: Sequence[Finding]) -> str:
    """A line for each finding, or one that says there is none."""
    if not findings:
        return f"✓ {shown(plan.name)}: keeps all rules"
    lines = []
    for finding in findings:
        problem = finding.problem
        place = f"{problem.path}:{problem.line}:{problem.column}"
        told = f"{shown(problem.message)}; {problem.hint}"
        lines.append(f"✗ {place}  {finding.rule.name}: {told}")
    broken = len({finding.rule.name for finding in findings})
    lines.append(
        f"✗ {shown(plan.name)}: {count(len(findings), 'finding')}, {count(broken, 'rule')} broken; "
        f"why: fsm lint --explain {findings[0].rule.name}"
    )
    return "\n".join(lines)


def lint_json(plan: Plan, findings: Sequence[Finding]) -> dict[str, JsonValue]:
    """The same as one JSON document."""
    return {
        "plan": plan.id,
        "findings": [
            {"rule": finding.rule.name, **finding.problem.as_dict()} for finding in findings
        ],
    }


def rules_text() -> str:
    """Every rule in a line."""
    width = max(map(len, RULES))
    lines = [f"{rule.name.ljust(width)}  {rule.what}" for rule in RULES.values()]
    return "\n".join([*lines, "", "Examples: fsm lint --explain RULE"])


def rule_text(rule: Rule) -> str:
    """What one rule says, why, and an example of each kind."""
    parts = [f"{rule.name}: {rule.what}", f"Why: {rule.why}", f"Source: {rule.source}"]
    lines = [line for part in parts for line in textwrap.wrap(part, 100)]
    for kind, told in (("breaks", "breaks it"), ("keeps", "keeps it")):
        text = example(rule.name, kind).read_text(encoding="utf-8")  # type: ignore[arg-type]
        lines += ["", f"This {told}:", "", textwrap.indent(text.rstrip("\n"), "  ")]
    return "\n".join([*lines, "", f"Way out: {rule.hint}"])


def rule_json(rule: Rule) -> dict[str, JsonValue]:
    """The same as one JSON document."""
    return {
        "rule": rule.name,
        "what": rule.what,
        "why": rule.why,
        "source": rule.source,
        "hint": rule.hint,
        "breaks": example(rule.name, "breaks").read_text(encoding="utf-8"),
        "keeps": example(rule.name, "keeps").read_text(encoding="utf-8"),
    }
