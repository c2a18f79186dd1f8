"""Where skills come from, and what carries out their actions (issue 4)."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fsm.app.skill_folders import Source, declared, in_folders, own_folders
from fsm.errors import Invalid, Problem
from fsm.plan.skill import SkillSpec, restored

if TYPE_CHECKING:
    from pydantic import JsonValue

    from fsm.actions import ShellAction
    from fsm.actions.skill import Skill
    from fsm.document import Document
    from fsm.engine.ports import Action
    from fsm.plan.model import Plan

__all__ = ["SHIPPED", "Library", "Source", "actions_of", "load"]

SHIPPED: Final[Mapping[str, str]] = {
    "files": "fsm.actions.skills.files:files",
    "git-operations": "fsm.actions.skills.git:git",
    "http": "fsm.actions.skills.http:http",
    "jira-write": "fsm.actions.skills.jira:jira",
    "python": "fsm.actions.skills.python:python",
}
"""The skills that ship beside `shell`, by name: `module:object`, or the YAML file in `fsm/actions/skills`."""

_HOME: Final = Path(__file__).parent.parent / "actions" / "skills"
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
    Raises `Invalid` with every problem found.
    """
    from fsm.plan import load_plan

    folder = Path(source if isinstance(source, Path | str) else source.path).parent
    for each in folders:
        if not Path(each).is_dir():
            raise Invalid([Problem(f"--skills {each} is no folder", "name one that is there")])
    more = tuple(map(Path, folders))
    return load_plan(
        source,
        params=params,
        typed=typed,
        parallel=parallel,
        skills=lambda named: Library(folder, tuple(named), frozenset(own), more, kept or {}),
    )


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
        sources = self._sources.get(name, [])
        if len(sources) > 1:
            where = " and in ".join(source.origin for source in sources)
            raise Invalid([Problem(f"two skills are called `{name}`: in {where}", "rename one")])
        if not sources:
            kept = self.kept.get(name)
            return restored(name, kept) if isinstance(kept, dict) else None
        return replace(sources[0].read(), origin=sources[0].origin)

    def names(self) -> Iterable[str]:
        """See `fsm.plan.skill.Skills`."""
        return sorted({*self._sources, *self.own})

    @cached_property
    def _sources(self) -> Mapping[str, list[Source]]:
        found: dict[str, list[Source]] = {}
        folders = (*own_folders(self.folder), *self.more)
        for source in (*_shipped(), *_installed(), *in_folders(folders), *self._named()):
            found.setdefault(source.name, []).append(source)
        return found

    def _named(self) -> Iterator[Source]:
        for reference in self.named:
            if reference.endswith((".yaml", ".yml")):
                yield declared(self.folder / reference)
                continue
            name = python_skill(reference, self.folder).name
            yield Source(name, reference, partial(_python_spec, reference, self.folder))


def actions_of(
    plan: Plan, cwd: Path, shell: ShellAction, *, but: Collection[str] = ()
) -> Mapping[str, Action]:
    """What carries out the actions of each skill that the plan uses, as the plan keeps it.

    `shell` runs the commands of declared ones. Those in `but` are left out, and nothing of them is loaded.
    """
    from fsm.actions.apart import ApartAction
    from fsm.actions.declared import DeclaredAction
    from fsm.actions.python import PythonAction

    found: dict[str, Action] = {}
    for name, kept in plan.skills.items():
        if name in but:
            continue
        assert isinstance(kept, dict)
        spec = restored(name, kept)
        if spec.source == "declared":
            found[name] = DeclaredAction(spec, shell)
            continue
        reference = SHIPPED[name] if spec.source == "shipped" else spec.source
        skill = python_skill(reference, cwd)
        if skill.apart:
            found[name] = ApartAction(skill, cwd, reference, shell)
        else:
            found[name] = PythonAction(skill, cwd)
    return found


def python_skill(reference: str, folder: Path) -> Skill:
    """The skill at `module:object`, or in `FILE.py:object` of the folder. Raises `Invalid`."""
    from fsm.actions.skill import Skill

    place, _, name = reference.rpartition(":")
    try:
        module = _module_at(folder / place) if place.endswith(".py") else import_module(place)
        skill = getattr(module, name)
    except Exception as error:
        message = f"the skill {reference} cannot be imported: {type(error).__name__}: {error}"
        raise Invalid([Problem(message, "mend it, or take it out of `skills`")]) from None
    if not isinstance(skill, Skill):
        raise Invalid([Problem(f"{reference} is no skill", "make it one: `fsm.Skill(name)`")])
    return skill


def _module_at(path: Path) -> object:
    from importlib.util import module_from_spec, spec_from_file_location

    name = f"_fsm_skill_{sha256(str(path.resolve()).encode()).hexdigest()[:16]}"
    if name not in sys.modules:
        spec = spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        module = module_from_spec(spec)
        sys.modules[name] = module
        try:
            spec.loader.exec_module(module)
        except BaseException:
            del sys.modules[name]
            raise
    return sys.modules[name]


def _python_spec(reference: str, folder: Path) -> SkillSpec:
    skill = python_skill(reference, folder)
    return replace(skill.spec, source=reference, code=_code_of(reference, folder))


def _code_of(reference: str, folder: Path) -> str:
    """The SHA-256 of the file that the skill is written in (F78)."""
    place = reference.rpartition(":")[0]
    path = folder / place if place.endswith(".py") else sys.modules[place].__file__
    return sha256(Path(path or "").read_bytes()).hexdigest()


def _shipped() -> Iterator[Source]:
    for name, reference in SHIPPED.items():
        if reference.endswith(".yaml"):
            yield replace(declared(_HOME / reference), origin="fsm itself")
            continue
        yield Source(name, "fsm itself", partial(_shipped_spec, reference))


def _shipped_spec(reference: str) -> SkillSpec:
    return python_skill(reference, Path()).spec


def _installed() -> Iterator[Source]:
    from importlib.metadata import entry_points

    for entry in entry_points(group=_ENTRY_POINTS):
        origin = f"the package {entry.dist.name if entry.dist else '?'} ({entry.value})"
        yield Source(entry.name, origin, partial(_python_spec, entry.value, Path()))
