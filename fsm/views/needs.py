"""What the actions of skills need, in words for people."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from typing import TYPE_CHECKING

from fsm.plan.skill import Needs, SkillSpec, restored

if TYPE_CHECKING:
    from fsm.plan.model import Call, Plan
    from fsm.plan.skill import ActionSpec

__all__ = ["Skilled", "needs_words"]

_WORDS = {
    "commands": "commands",
    "env": "environment",
    "secrets": "secrets",
    "files": "files",
    "hosts": "hosts",
    "permissions": "permission to",
}


class Skilled:
    """What a plan keeps of the skills that its steps use."""

    def __init__(self, plan: Plan) -> None:
        self._skills: dict[str, SkillSpec] = {
            name: restored(name, kept)
            for name, kept in plan.skills.items()
            if isinstance(kept, dict)
        }

    def spec(self, call: Call) -> ActionSpec | None:
        """Of the action that is called; `None` for a command, or if nothing is known of it."""
        skill = self._skills.get(call.skill)
        return skill.actions.get(call.action) if skill is not None else None


def needs_words(specs: Iterable[ActionSpec]) -> tuple[str, ...]:
    """What all of them need together, one text a kind: `commands git, ssh`."""
    all_needs = [spec.needs for spec in specs]
    found: list[str] = []
    for each in fields(Needs):
        named = dict.fromkeys(name for needs in all_needs for name in getattr(needs, each.name))
        if named:
            found.append(f"{_WORDS[each.name]} {', '.join(named)}")
    return tuple(found)
