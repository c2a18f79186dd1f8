"""Skills written in Python: found where a reference says, imported, and held to what was approved (F78)."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from fsm.errors import Invalid, Problem
from fsm.plan.skill_code import changed_code

if TYPE_CHECKING:
    from fsm.actions.python.skill import Skill
    from fsm.plan.skill import SkillSpec

__all__ = ["approved_skill", "python_skill", "python_spec"]


def python_spec(reference: str, folder: Path) -> SkillSpec:
    """The skill as a plan keeps it. Raises `Invalid` as `python_skill` does."""
    source = _source(reference, folder)
    spec = _skill(reference, folder, source).spec
    return replace(spec, source=reference, code=sha256(source).hexdigest())


def python_skill(reference: str, folder: Path) -> Skill:
    """The skill at `module:object`, or in `FILE.py:object` from the folder. Raises `Invalid`.

    A module is one that is installed: one that lies in the working directory is not found.
    """
    is_file = reference.rpartition(":")[0].endswith(".py")
    return _skill(reference, folder, _source(reference, folder) if is_file else b"")


def approved_skill(spec: SkillSpec, folder: Path) -> Skill:
    """The skill that a plan keeps, if its code still is what was approved. Raises `Invalid`.

    Else nothing of it is run; what a file holds is run as it was when it was looked at.
    """
    source = _source(spec.source, folder)
    if sha256(source).hexdigest() != spec.code:
        raise Invalid([changed_code(spec.name, spec.source)])
    return _skill(spec.source, folder, source)


def _skill(reference: str, folder: Path, source: bytes) -> Skill:
    """The skill at the reference; `source` is what its file holds, if it names a file."""
    from fsm.actions.output.printing import printed_to_stderr
    from fsm.actions.python.faults import faults
    from fsm.actions.python.skill import Skill

    place, name = _parts(reference)
    try:
        with _without_the_working_directory(), printed_to_stderr():
            is_file = place.endswith(".py")
            module = _module_of(folder / place, source) if is_file else import_module(place)
        if not hasattr(module, name):
            raise Invalid([_nothing_called(name, reference, module)])
        skill = getattr(module, name)
    except Invalid:
        raise
    except (Exception, SystemExit) as error:
        raise Invalid([_unimportable(reference, error)]) from None
    if not isinstance(skill, Skill):
        raise Invalid([Problem(f"{reference} is no skill", "make it one: `fsm.Skill(name)`")])
    if wrong := [] if place.startswith("fsm.") else list(faults(skill)):
        raise Invalid([Problem(f"{reference}: {each.message}", each.hint) for each in wrong])
    return skill


def _source(reference: str, folder: Path) -> bytes:
    """The file that the skill is written in. Raises `Invalid` if there is none."""
    from importlib.util import find_spec

    place, _ = _parts(reference)
    try:
        if place.endswith(".py"):
            return (folder / place).read_bytes()
        with _without_the_working_directory():
            spec = find_spec(place)
        if spec is None or not spec.origin:
            raise ModuleNotFoundError(f"No module named {place!r}")
        return Path(spec.origin).read_bytes()
    except (Exception, SystemExit) as error:
        raise Invalid([_unimportable(reference, error)]) from None


def _parts(reference: str) -> tuple[str, str]:
    place, _, name = reference.rpartition(":")
    if not place or not name:
        hint = "write `module:object`, `FILE.py:object`, or the path of a YAML file"
        raise Invalid([Problem(f"`{reference}` names no skill", hint)])
    return place, name


def _nothing_called(name: str, reference: str, module: ModuleType) -> Problem:
    from fsm.actions.python.skill import Skill

    skills = [f"`{own}`" for own, value in vars(module).items() if isinstance(value, Skill)]
    hint = f"its skills are {', '.join(skills)}" if skills else "make one there: `fsm.Skill(name)`"
    return Problem(f"{reference} is not there: `{name}` stands nowhere in it", hint)


def _unimportable(reference: str, error: BaseException) -> Problem:
    said = error.strerror if isinstance(error, OSError) else f"{type(error).__name__}: {error}"
    message = f"the skill {reference} cannot be imported: {said}"
    return Problem(message, "mend it, or take it out of `skills`")


def _module_of(path: Path, source: bytes) -> ModuleType:
    """The module that the file's text makes; each text of it is run once."""
    name = f"_fsm_skill_{sha256(os.fsencode(path.resolve()) + source).hexdigest()[:16]}"
    if name not in sys.modules:
        module = ModuleType(name)
        module.__file__ = str(path)
        sys.modules[name] = module
        try:
            exec(compile(source, str(path), "exec"), module.__dict__)  # noqa: S102 - the plan names it
        except BaseException:
            del sys.modules[name]
            raise
    return sys.modules[name]


@contextmanager
def _without_the_working_directory() -> Iterator[None]:
    """`python -m` looks there first: whoever can write a file there would be asked for code (F78)."""
    main = sys.modules.get("__main__")
    first = sys.path[:1]
    as_module = getattr(main, "__spec__", None) is not None
    if not as_module or first not in ([""], [os.getcwd()]):  # noqa: PTH109 - as Python wrote it
        yield
        return
    del sys.path[0]
    try:
        yield
    finally:
        sys.path[:0] = first
