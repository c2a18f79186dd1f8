"""Whether the action that undoes another one is there, and is given what it needs."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from fsm.document import Path
from fsm.plan.loading.findings import SKILL, Findings, known_or_similar, quoted
from fsm.plan.skill import ActionSpec
from fsm.plan.template import has_template

__all__ = ["check_undo"]


def check_undo(
    action: ActionSpec, actions: Mapping[str, ActionSpec], path: Path, findings: Findings
) -> None:
    """Add to `findings` what is wrong with the `undo` of the action at `path`, if it has one.

    `actions` are those of its skill that could be read.
    """
    undo = action.undo
    if undo is None:
        return
    words = findings.words((*path, "undo"))
    place = findings.real((*path, "undo", "action"))
    other = actions.get(undo.action)
    if other is None:
        declared = findings.real((*SKILL.steps, undo.action)) != SKILL.steps
        if not declared:  # else it is wrong itself, and that is told already
            hint = known_or_similar(undo.action, actions, "name an action of this skill")
            message = f"{words} names `{quoted(undo.action)}`, which the skill does not have"
            findings.add(place, message, hint)
        return
    own = {parameter.name for parameter in action.params}
    given = own if undo.params is None else undo.params.keys()
    for parameter in other.params:
        if parameter.required and parameter.name not in given:
            message = f"{words} gives `{other.name}` no `{parameter.name}`"
            findings.add(place, message, "say under `params` what it is given")
    for name, value in (undo.params or {}).items():
        there = (*path, "undo", "params", name)
        if other.parameter(name) is None:
            known = [parameter.name for parameter in other.params]
            hint = known_or_similar(name, known, "it has none")
            findings.add(there, f"action `{other.name}` has no parameter `{quoted(name)}`", hint)
        elif isinstance(value, str) and has_template(value):
            _check_mapped(value, {"params": own, "outputs": action.outputs}, there, findings)


def _check_mapped(
    value: str, known: Mapping[str, Collection[str]], path: Path, findings: Findings
) -> None:
    """Whether it is a whole `{{ params.X }}` or `{{ outputs.X }}` that there is."""
    words, inner = findings.words(path), value.strip()
    whole = inner.startswith("{{") and inner.endswith("}}")
    root, _, name = inner.strip("{ }").partition(".") if whole else ("", "", "")
    if root not in known or not name.replace("-", "_").isidentifier():
        message = f"{words} must be a whole `{{{{ params.X }}}}` or `{{{{ outputs.X }}}}`"
        findings.add(path, message, "or a plain value")
    elif name not in known[root]:
        hint = known_or_similar(name, known[root], f"the action declares no {root}")
        message = f"{words} names `{root}.{quoted(name)}`, which the action does not have"
        findings.add(path, message, hint)
