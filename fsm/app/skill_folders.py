"""Skills found in folders: beside a plan, in the user's configuration, where the command line says."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from fsm.errors import Invalid, Problem

if TYPE_CHECKING:
    from fsm.plan.skill import SkillSpec

__all__ = ["SKILL_FILE", "Source", "declared", "in_folders", "own_folders", "scripts"]

SKILL_FILE = "SKILL.md"
"""What makes a folder a skill: an Agent-Skill."""

_SUFFIXES = frozenset({".yaml", ".yml"})


@dataclass(frozen=True)
class Source:
    """One skill, before it is read: its name, where it is declared, and how to read it.

    `place` is the file or the folder it is in, if it has one of its own: links followed.
    """

    name: str
    origin: str
    read: Callable[[], SkillSpec]
    place: str = ""


def own_folders(plan_folder: Path) -> Sequence[Path]:
    """Where skills of a plan in that folder are looked for without being asked: beside it, and at home."""
    home = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    return plan_folder / "skills", Path(home).expanduser() / "fsm" / "skills"


def in_folders(folders: Sequence[Path]) -> Iterator[Source]:
    """The skills in these folders. A folder that is not there has none, nor one that we may not reach.

    Raises `Invalid` for one that cannot be read.
    """
    for folder in folders:
        try:
            found = list(_in_folder(folder)) if os.path.isdir(folder) else []  # noqa: PTH112 (of one that we may not reach, Path raises)
        except OSError as error:
            told = f"cannot be read: {error.strerror}"
            hint = "let those read it who run plans, or take it away"
            raise Invalid([Problem(told, hint, path=str(error.filename or folder))]) from None
        yield from found


def _in_folder(folder: Path) -> Iterator[Source]:
    for path in sorted(folder.iterdir()):
        if (path / SKILL_FILE).is_file():
            yield scripts(path)
        elif path.suffix in _SUFFIXES:
            yield declared(path)


def declared(path: Path) -> Source:
    """The skill in a YAML file, which has the file's name."""
    return Source(path.stem, str(path), partial(_read, path), os.path.realpath(path))


def scripts(folder: Path) -> Source:
    """The skill in a folder with a `SKILL.md`, which has the folder's name."""
    place = os.path.realpath(folder)
    return Source(folder.name, str(folder), partial(_read_scripts, folder), place)


def _read(path: Path) -> SkillSpec:
    from fsm.plan import load_skill

    return load_skill(path)


def _read_scripts(folder: Path) -> SkillSpec:
    from fsm.plan import load_scripts

    return load_scripts(folder)
