"""Where skills come from, and what carries out their actions (issue 4)."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fsm.app.python_skills import approved_skill, python_skill, python_spec
from fsm.app.skill_folders import (
    SKILL_FILE,
    Source,
    declared,
    in_folders,
    own_folders,
    scripts,
)
from fsm.errors import Invalid, Problem
from fsm.plan.skill import SCRIPTS_OF, SkillSpec, restored

if TYPE_CHECKING:
    from pydantic import JsonValue

    from fsm.actions.shell import ShellAction
    from fsm.document import Document
    from fsm.engine.ports import Action
    from fsm.plan.model import Plan

__all__ = ["SHIPPED", "Library", "Source", "actions_of", "existing", "load"]

SHIPPED: Final[Mapping[str, str]] = {
    "files": "fsm.actions.skills.files:files",
    "git-operations": "fsm.actions.skills.git:git",
    "http": "fsm.actions.skills.http:http",
    "jira-write": "fsm.actions.skills.jira:jira",
    "python": "fsm.actions.skills.python:python",
    "wait-for": "fsm.actions.skills.waits:waits",
}
"""The skills that ship beside `shell`, by name: where each is, as `module:object`."""

_ENTRY_POINTS: Final = "fsm.skills"


def load(
    source: Path | str | Document,
    *,
    params: Mapping[str, JsonValue] | None = None,
    typed: Mapping[str, str] | None = None,
    parallel: int | None = None,
    own: Iterable[str] = (),
    folders: Sequence[str | Path] = (),
    kept: Mapping[str, JsonValue] | None = None,
) -> Plan:
    """The plan that a file declares, with the skills that its steps use found and their calls checked.

    `source` is the file, or what was read of it.
    `params`, `typed` and `parallel` override what the file says, as in `fsm.plan.load_plan`; `own` names
    skills whose actions the caller brings along (`execute(actions=…)`), of which nothing else is known.
    `folders` are those in which skills are looked for beside the ones that always are; `kept` are skills as
    another plan keeps them, for names that are not found.
    Raises `Invalid` with every problem found; the values of secrets in it are masked (I22).
    """
    from fsm.plan import load_plan

    folder = Path(source if isinstance(source, Path | str) else source.path).parent
    more = existing(folders)
    try:
        plan = load_plan(
            source,
            params=params,
            typed=typed,
            parallel=parallel,
            skills=lambda named: Library(folder, tuple(named), frozenset(own), more, kept or {}),
        )
    except Invalid as error:
        from fsm.app.secrets import masked

        raise masked(error) from None
    return plan.found_in(folder.absolute())


def existing(folders: Iterable[str | Path]) -> tuple[Path, ...]:
    """The folders that somebody asks to look in. Raises `Invalid` for one that is not there."""
    paths = tuple(map(Path, folders))
    for path in paths:
        if not os.path.isdir(path):  # noqa: PTH112 (of a name that no folder can have, Path raises)
            raise Invalid([Problem(f"--skills {path} is no folder", "name one that is there")])
    return paths


@dataclass(frozen=True)
class Library:
    """The skills that a plan in `folder` can use; `named` are those it names itself.

    `more` are folders to look in; `kept` are skills as a plan keeps them, for names that are found nowhere.
    """

    folder: Path
    named: Sequence[str] = ()
    own: frozenset[str] = frozenset()
    more: Sequence[Path] = ()
    kept: Mapping[str, JsonValue] = field(default_factory=dict)

    def find(self, name: str) -> SkillSpec | None:
        """See `fsm.plan.skill.Skills`."""
        sources = self.sources.get(name, [])
        if len(sources) > 1:
            where = " and in ".join(source.origin for source in sources)
            raise Invalid([Problem(f"two skills are called `{name}`: in {where}", "rename one")])
        if not sources:
            kept = self.kept.get(name)
            return restored(name, kept) if isinstance(kept, dict) else None
        spec = replace(sources[0].read(), origin=sources[0].origin)
        return replace(spec, source=self._from_here(spec.source))

    def _from_here(self, source: str) -> str:
        """A folder of scripts by its path from the plan, if it lies beside it: so a plan can be moved."""
        if not source.startswith(SCRIPTS_OF):
            return source
        here = self.folder.absolute()
        place = Path(source.removeprefix(SCRIPTS_OF)).absolute()
        near = place.relative_to(here) if place.is_relative_to(here) else place
        return f"{SCRIPTS_OF}{near}"

    def code_named(
        self, skill: str, action: str, params: Mapping[str, JsonValue]
    ) -> tuple[str, str]:
        """See `fsm.plan.skill.Skills`."""
        from fsm.actions.python.apart import code_named
        from fsm.actions.python.skill import ActionFailed

        try:
            found = python_skill(SHIPPED[skill], self.folder).actions[action]  # no other names code
            return code_named(found, params, self.folder.absolute())
        except ActionFailed as error:
            raise Invalid([Problem(str(error))]) from None

    def names(self) -> Iterable[str]:
        """See `fsm.plan.skill.Skills`."""
        return sorted({*self.sources, *self.own})

    @cached_property
    def sources(self) -> Mapping[str, Sequence[Source]]:
        """Every skill by its name, unread; several of one name are an error once it is used."""
        found: dict[str, list[Source]] = {}
        folders = (*own_folders(self.folder), *self.more)
        for source in (*_shipped(), *_installed(), *in_folders(folders), *self._named()):
            same = found.setdefault(source.name, [])
            if not source.place or all(source.place != other.place for other in same):
                same.append(source)
        return found

    def _named(self) -> Iterator[Source]:
        for reference in self.named:
            if reference.endswith((".yaml", ".yml")):
                yield declared(self.folder / reference)
                continue
            if os.path.isfile(self.folder / reference / SKILL_FILE):  # noqa: PTH113 (Path raises)
                yield scripts(self.folder / reference)
                continue
            name = python_skill(reference, self.folder).name
            yield Source(name, reference, partial(python_spec, reference, self.folder))


def actions_of(
    plan: Plan, cwd: Path, shell: ShellAction, *, but: Collection[str] = ()
) -> Mapping[str, Action]:
    """What carries out the actions of each skill that the plan uses, as the plan keeps it.

    `shell` runs the commands of declared ones. Those in `but` are left out, and nothing of them is loaded.
    """
    from fsm.actions.declared import DeclaredAction
    from fsm.actions.python.action import PythonAction
    from fsm.actions.python.apart import ApartAction
    from fsm.actions.withheld import WithheldAction

    folder = plan.folder or cwd
    found: dict[str, Action] = {}
    for name, kept in plan.skills.items():
        if name in but:
            continue
        assert isinstance(kept, dict)
        spec = restored(name, kept)
        if spec.source == "declared":
            found[name] = DeclaredAction(spec, shell, others=found)
        elif spec.source.startswith(SCRIPTS_OF):
            found[name] = DeclaredAction(spec, shell, folder / spec.source.removeprefix(SCRIPTS_OF))
        elif spec.source == "shipped" and name not in SHIPPED:
            hint = "use the fsm that the plan was approved with"
            found[name] = WithheldAction(Problem(f"fsm has no skill `{name}` here", hint))
        elif spec.source == "shipped":
            reference = SHIPPED[name]
            skill = python_skill(reference, cwd)
            found[name] = (
                ApartAction(skill, folder, reference, shell, spec.calls)
                if skill.apart
                else PythonAction(skill, cwd)
            )
        else:
            found[name] = _approved(spec, folder, cwd)
    return found


def _approved(spec: SkillSpec, folder: Path, cwd: Path) -> Action:
    """The actions of a skill in Python, if its code is still what was approved; it is not imported else."""
    from fsm.actions.python.action import PythonAction
    from fsm.actions.withheld import WithheldAction

    try:
        return PythonAction(approved_skill(spec, folder), cwd)
    except Invalid as error:
        return WithheldAction(error.problems[0])


def _shipped() -> Iterator[Source]:
    for name, reference in SHIPPED.items():
        yield Source(name, "fsm itself", partial(_shipped_spec, reference))


def _shipped_spec(reference: str) -> SkillSpec:
    return python_skill(reference, Path()).spec


def _installed() -> Iterator[Source]:
    from importlib.metadata import entry_points

    for entry in entry_points(group=_ENTRY_POINTS):
        origin = f"the package {entry.dist.name if entry.dist else '?'} ({entry.value})"
        yield Source(entry.name, origin, partial(_installed_spec, entry.name, entry.value))


def _installed_spec(name: str, reference: str) -> SkillSpec:
    spec = python_spec(reference, Path())
    if spec.name != name:
        message = f"the skill {reference} is called `{spec.name}`, but installed as `{name}`"
        raise Invalid([Problem(message, "give both the same name")])
    return spec
