"""What the rules find in one plan, and which of it its author does not want to hear.

A comment `# fsm: ignore RULE` silences the rule for what is on its line or begins on the next one; before
`plan:` it silences it for the whole file. It changes no digest.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

from fsm.document import Document, suggest
from fsm.errors import Invalid, Problem
from fsm.plan.lint.looks import Subject
from fsm.plan.lint.rules import RULES, Rule
from fsm.plan.loading.load import is_specification
from fsm.plan.loading.places import step_paths
from fsm.plan.model import Plan
from fsm.values import Value

__all__ = ["Finding", "lint"]

_IGNORE = re.compile(r"#\s*fsm:\s*ignore\s+([\w-]+(?:\s*,\s*[\w-]+)*)")


class Finding(Value):
    """A place that breaks a rule. `problem` says where, what, and what to write instead."""

    rule: Rule
    problem: Problem


def lint(plan: Plan, document: Document, ignore: Collection[str] = ()) -> Sequence[Finding]:
    """What breaks a rule in the plan that this document declares, in the order of the file.

    `ignore` are the names of rules that are left out. Raises `Invalid` if one of them is unknown, here or in
    a comment.
    """
    faults = [Problem(*_unknown(name)) for name in ignore if name not in RULES]
    silenced = _silenced(document, faults)
    if faults:
        raise Invalid(faults)
    subject = _subject(plan, document)
    everywhere = {*ignore, *silenced.get(0, ())}
    found = [
        Finding(rule, document.problem(path, message, rule.hint))
        for rule in _rules(document)
        if rule.name not in everywhere
        for path, message in rule.look(subject)
    ]
    heard = [one for one in found if one.rule.name not in silenced.get(one.problem.line, ())]
    return sorted(heard, key=lambda one: (one.problem.line, one.problem.column))


def _rules(document: Document) -> list[Rule]:
    phases = is_specification(document.data)
    return [rule for rule in RULES.values() if rule.phases or not phases]


def _subject(plan: Plan, document: Document) -> Subject:
    data = document.data if isinstance(document.data, dict) else {}
    typed = data.get("plan", data)
    paths = step_paths(document)
    steps: dict[str, Mapping[str, object]] = {}
    for name, path in paths.items():
        value: object = document.data
        for key in path:
            value = value[key]  # type: ignore[index]
        steps[name] = value if isinstance(value, dict) else {}
    return Subject(plan, typed if isinstance(typed, dict) else {}, paths, steps)


def _silenced(document: Document, faults: list[Problem]) -> Mapping[int, Collection[str]]:
    """The rules that comments silence, by line; 0 is the whole file. Unknown ones go to `faults`."""
    found: dict[int, set[str]] = {}
    begins, _ = document.position(("plan",))
    for line, text in enumerate(document.text.splitlines(), start=1):
        for comment in _IGNORE.finditer(text) if "#" in text else ():
            for name in re.split(r"\s*,\s*", comment[1]):
                if name not in RULES:
                    place = {"path": document.path, "line": line}
                    told = Problem(*_unknown(name), **place, column=comment.start() + 1)  # type: ignore[arg-type]
                    faults.append(told)
                for silent in (0,) if line < begins else (line, line + 1):
                    found.setdefault(silent, set()).add(name)
    return found


def _unknown(name: str) -> tuple[str, str]:
    return f"there is no rule `{name}`", suggest(name, RULES) or "see: fsm lint --explain"
