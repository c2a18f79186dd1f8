"""Skills: their files edited, moved and copied."""

from __future__ import annotations

import shutil
from pathlib import Path

from pytest_bdd import parsers, step, when

from ..place import Place


@step(parsers.re(r'I change "(?P<old>.*)" to "(?P<new>.*)" in the skill "(?P<name>[^"]+)"'))
def i_change_the_skill(place: Place, old: str, new: str, name: str) -> None:
    path = _folder(place) / f"{name}.yaml"
    text = path.read_text(encoding="utf-8")
    assert old in text, f"the skill has no {old}"
    path.write_text(text.replace(old, new), encoding="utf-8")


@step(parsers.parse('the skills are moved to "{folder}"'))
def the_skills_are_moved(place: Place, folder: str) -> None:
    target = place.path(folder)
    target.parent.mkdir(parents=True, exist_ok=True)
    _folder(place).rename(target)
    place.noted["skills"] = target


@when(parsers.parse('the skills are copied to "{folder}"'))
def the_skills_are_copied(place: Place, folder: str) -> None:
    shutil.copytree(_folder(place), place.path(folder))


def _folder(place: Place) -> Path:
    return Path(str(place.noted.get("skills", place.path("skills"))))


@when(parsers.parse('the plan and its skills are moved to "{folder}"'))
def the_plan_is_moved(place: Place, folder: str) -> None:
    place.path(folder).mkdir()
    for name in ("plan.yaml", "skills"):
        place.path(name).rename(place.path(folder) / name)


@when(parsers.re(r'I change "(?P<old>.*)" to "(?P<new>.*)" in the file "(?P<name>[^"]+)"'))
def i_change_the_file(place: Place, old: str, new: str, name: str) -> None:
    text = place.path(name).read_text(encoding="utf-8")
    assert old in text, f"{name} has no {old}"
    place.path(name).write_text(text.replace(old, new), encoding="utf-8")
