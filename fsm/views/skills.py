"""The skills there are, and one of them explained: what each action takes, needs, risks and gives."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from fsm.plan.duration import format_duration
from fsm.views.needs import needs_words
from fsm.views.text import count, shown

if TYPE_CHECKING:
    from pydantic import JsonValue

    from fsm.errors import Problem
    from fsm.plan.skill import ActionSpec, Parameter, SkillSpec

__all__ = ["Listed", "listing_json", "listing_text", "skill_json", "skill_text"]

_WIDEST = 34
"""Cells of the column that says what a value may be; a longer one pushes what comes after it."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One skill of a listing: what it is, or why it cannot be used."""

    name: str
    origin: str
    spec: SkillSpec | None
    problems: Sequence[Problem] = ()


def listing_text(skills: Sequence[Listed]) -> str:
    """One line a skill; below one that cannot be used, why."""
    names = max((len(shown(skill.name)) for skill in skills), default=0)
    origins = max((len(shown(skill.origin)) for skill in skills), default=0)
    lines = []
    for skill in skills:
        mark = " " if skill.spec is not None else "✗"
        about = ""
        if skill.spec is not None:
            first = skill.spec.description.strip().partition("\n")[0]
            about = f"{count(len(skill.spec.actions), 'action'):10}  {shown(first)}"
        line = f"{mark} {shown(skill.name):{names}}  {shown(skill.origin):{origins}}  {about}"
        lines.append(line.rstrip())
        lines += [f"    {shown(str(problem))}" for problem in skill.problems]
    return "\n".join(lines)


def listing_json(skills: Sequence[Listed]) -> dict[str, JsonValue]:
    """The same as one document."""
    return {
        "skills": [
            {
                "skill": skill.name,
                "origin": skill.origin,
                "description": skill.spec.description if skill.spec else "",
                "actions": list(skill.spec.actions) if skill.spec else [],
                "problems": [dict(problem.as_dict()) for problem in skill.problems],
            }
            for skill in skills
        ]
    }


def skill_text(skill: SkillSpec) -> str:
    """All that a person needs to use the skill in a plan."""
    about = f": {_first_line(skill.description)}" if skill.description else ""
    lines = [f"{shown(skill.name)}{about}", f"from {shown(skill.origin)}"]
    for action in skill.actions.values():
        lines += ["", f"{shown(action.name)} · {' · '.join(_traits(action))}"]
        if action.description:
            lines.append(f"  {_first_line(action.description)}")
        lines += _rows(action)
    return "\n".join(lines)


def skill_json(skill: SkillSpec) -> dict[str, JsonValue]:
    """The same as one document."""
    return {
        "skill": skill.name,
        "origin": skill.origin,
        "description": skill.description,
        "actions": [_action_json(action) for action in skill.actions.values()],
    }


def _first_line(text: str) -> str:
    return shown(text.strip().partition("\n")[0])


def _traits(action: ActionSpec) -> Iterator[str]:
    yield {"read": "changes nothing", "write": "changes something"}.get(
        action.risk, "changes what nothing changes back"
    )
    if action.idempotent and action.risk != "read":
        yield "safe to repeat"
    if action.has_check:
        yield "can be checked"
    if action.has_dry_run:
        yield "can be tried"
    if action.timeout_seconds is not None:
        yield f"at most {format_duration(action.timeout_seconds)}"


def _rows(action: ActionSpec) -> Iterator[str]:
    """The parameters in columns of their own, then what else there is to say."""
    params = [
        (shown(each.name), _kind(each), _first_line(each.description)) for each in action.params
    ]
    names = max((len(name) for name, _, _ in params), default=0)
    kinds = min(max((len(kind) for _, kind, _ in params), default=0), _WIDEST)
    for name, kind, description in params:
        yield f"    {name:{names}}  {kind:{kinds}}  {description}".rstrip()
    for words in needs_words([action]):
        yield f"  needs    {shown(words)}"
    if action.outputs:
        yield f"  outputs  {shown(', '.join(action.outputs))}"
    if action.undo is not None:
        given = action.undo.params
        told = "" if given is None else " ".join(f"{name}={_json(v)}" for name, v in given.items())
        yield f"  undo     {shown(f'{action.undo.action} {told}'.rstrip())}"
    elif action.risk != "read":
        yield "  undo     nothing: a plan can name a rollback of its own"


def _kind(parameter: Parameter) -> str:
    words = " | ".join(map(_json, parameter.choices)) if parameter.choices else parameter.kind
    if parameter.default is not None:
        words += f" = {_json(parameter.default)}"
    if parameter.secret:
        words += ", secret"
    return shown(words + (", required" if parameter.required else ""))


def _json(value: JsonValue) -> str:
    return value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)


def _action_json(action: ActionSpec) -> dict[str, JsonValue]:
    undo = action.undo
    needs = {each.name: list(getattr(action.needs, each.name)) for each in fields(action.needs)}
    return {
        "action": action.name,
        "description": action.description,
        "params": [
            {
                "name": each.name,
                "type": each.kind,
                "required": each.required,
                "default": each.default,
                "choices": list(each.choices),
                "secret": each.secret,
                "description": each.description,
            }
            for each in action.params
        ],
        "outputs": list(action.outputs),
        "needs": {**needs},
        "risk": action.risk,
        "idempotent": action.idempotent,
        "check": action.has_check,
        "dry_run": action.has_dry_run,
        "timeout_seconds": action.timeout_seconds,
        "undo": None if undo is None else {"action": undo.action, "params": _copy(undo.params)},
    }


def _copy(params: Mapping[str, JsonValue] | None) -> JsonValue:
    return None if params is None else {**params}
