"""Good practice: what a plan should say before it runs, as named rules (S2, "Best Practices Checklist").

A plan that breaks one is valid, and runs. What a rule says is in `fsm.plan.lint.rules`, as data.
"""

from __future__ import annotations

from fsm.plan.lint.findings import Finding, lint
from fsm.plan.lint.rules import RULES, Rule, example

__all__ = ["RULES", "Finding", "Rule", "example", "lint"]
