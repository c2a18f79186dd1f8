"""What the actions of skills need, in words for people."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from typing import TYPE_CHECKING

from fsm.plan.skill import Needs, SkillSpec, restored
from fsm.views.calls import done_by, script_text, tools_of

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
    """What a plan keeps of the skills that its steps use: each action is looked at once."""

    def __init__(self, plan: Plan) -> None:
        self._skills: dict[str, SkillSpec] = {
            name: restored(name, kept)
            for name, kept in plan.skills.items()
            if isinstance(kept, dict)
        }
        self._tools: dict[tuple[str, str], tuple[str, ...]] = {}
        self._needs: dict[tuple[tuple[str, str], ...], tuple[str, ...]] = {}
        self._does: dict[tuple[str, str], str | None] = {}

    def spec(self, call: Call) -> ActionSpec | None:
        """Of the action that is called; `None` for a command, or if nothing is known of it."""
        skill = self._skills.get(call.skill)
        return skill.actions.get(call.action) if skill is not None else None

    def tools(self, call: Call) -> tuple[str, ...]:
        """The programs that the call starts, and its skill."""
        if call.skill == "shell":
            return tools_of(call)
        key = (call.skill, call.action)
        if key not in self._tools:
            self._tools[key] = tools_of(call, self.spec(call))
        return self._tools[key]

    def needs(self, calls: Iterable[Call]) -> tuple[str, ...]:
        """What all of the calls need together, in words."""
        found = [call for call in calls if call.skill in self._skills]
        key = tuple((call.skill, call.action) for call in found)
        if key not in self._needs:
            self._needs[key] = needs_words(filter(None, map(self.spec, found)))
        return self._needs[key]

    def does(self, call: Call) -> str | None:
        """What a declared action does, as a person would type it; `None` for all else."""
        key = (call.skill, call.action)
        if key not in self._does:
            spec = self.spec(call)
            done = done_by(spec) if spec is not None else None
            self._does[key] = script_text(done) if done is not None else None
        return self._does[key]


def needs_words(specs: Iterable[ActionSpec]) -> tuple[str, ...]:
    """What all of them need together, one text a kind: `commands git, ssh`."""
    all_needs = [spec.needs for spec in specs]
    found: list[str] = []
    for each in fields(Needs):
        named = dict.fromkeys(name for needs in all_needs for name in getattr(needs, each.name))
        if named:
            found.append(f"{_WORDS[each.name]} {', '.join(named)}")
    return tuple(found)
