"""Loading a folder with a `SKILL.md`, an Agent-Skill: each of its scripts is an action.

Of the front matter `name` and `description` are read; all else in it is for agents, and so is the text.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from fsm.document import Document, parse_document, read_text
from fsm.errors import Invalid, Problem
from fsm.plan.loading.findings import quoted
from fsm.plan.loading.values import ID
from fsm.plan.skill import SCRIPTS_OF, ActionSpec, Parameter, SkillSpec
from fsm.plan.skill_code import SCRIPTS, scripts_hash
from fsm.plan.template import MARK

if TYPE_CHECKING:
    from pydantic import JsonValue

__all__ = ["load_scripts"]

_INTERPRETERS = {
    ".bash": "bash",
    ".js": "node",
    ".mjs": "node",
    ".pl": "perl",
    ".py": "python3",
    ".rb": "ruby",
    ".sh": "sh",
}
"""What runs a script that may not be executed itself, by the ending of its name."""

_ARGS = Parameter(
    name="args", kind="list", default=[], options=True, description="The script's arguments."
)


def load_scripts(folder: Path) -> SkillSpec:
    """The skill in a folder. Raises `Invalid` with every problem found.

    An action is called as its script, without ending and with dashes, and given a list `args`. A script that
    may be executed is; any other is run by what its ending says. Files that are neither are no actions.
    """
    document = _front_matter(folder / "SKILL.md")
    problems = [*document.duplicates, *_faults(document, folder)]
    actions: dict[str, ActionSpec] = {}
    scripts: dict[str, str] = {}
    try:
        for script, run in _scripts(folder):
            name = re.sub(r"[^A-Za-z0-9.]+", "-", Path(script).stem).strip("-.")
            if name in scripts:
                problem = f"{script} and {scripts[name]} would both be the action `{name}`"
                problems.append(Problem(problem, "rename one", path=str(folder)))
            scripts[name] = script
            if re.fullmatch(ID, name):
                actions[name] = ActionSpec(
                    name=name, description=f"Run {script}.", params=(_ARGS,), run=run
                )
        code = scripts_hash(folder) if scripts else ""
    except OSError as error:
        told = f"cannot be read: {error.strerror}"
        raise Invalid([*problems, Problem(told, path=str(error.filename))]) from None
    if not actions:
        told = f"has no script that could be run: a skill of fsm has some in `{SCRIPTS}/`"
        problems.append(Problem(told, "allow one: chmod +x", path=str(folder)))
    if problems:
        raise Invalid(problems)
    data = document.data
    assert isinstance(data, dict)
    return SkillSpec(
        name=folder.name,
        description=str(data["description"]),
        actions=actions,
        origin=str(folder),
        source=f"{SCRIPTS_OF}{folder}",
        code=code,
    )


def _front_matter(path: Path) -> Document:
    """The YAML between the first two lines of three dashes; its places are those in the whole file."""
    text = read_text(path).replace("\r\n", "\n")
    found = re.match(r"---[ \t]*\n(.*?)^---[ \t]*$", text, re.DOTALL | re.MULTILINE)
    if found is None:
        message = "has no front matter"
        hint = "begin it with a line `---`, then `name:` and `description:`, then a line `---`"
        raise Invalid([Problem(message, hint, path=str(path), line=1, column=1)])
    return parse_document(f"\n{found[1]}", str(path), lenient=True)


def _faults(document: Document, folder: Path) -> Iterator[Problem]:
    data = document.data if isinstance(document.data, dict) else {}
    for key in ("name", "description"):
        value = data.get(key)
        if not isinstance(value, str) or not value.strip():
            yield document.problem((key,), f"the front matter has no `{key}` that is text")
    name = data.get("name")
    if isinstance(name, str) and name and name != folder.name:
        message = f"the skill is called `{quoted(name)}`, but its folder `{quoted(folder.name)}`"
        yield document.problem(("name",), message, "give both the same name")


def _scripts(folder: Path) -> Iterator[tuple[str, JsonValue]]:
    """Each script by its path from the folder, and the command that runs it: also from the folder."""
    place = folder / SCRIPTS
    for path in sorted(place.iterdir()) if place.is_dir() else ():
        if not path.is_file() or path.name.startswith((".", "_")):
            continue
        interpreter = _INTERPRETERS.get(path.suffix)
        script = f"{SCRIPTS}/{path.name}"
        if os.access(path, os.X_OK):
            yield script, [script, {MARK: "{{ params.args }}"}]
        elif interpreter is not None:
            yield script, [interpreter, script, {MARK: "{{ params.args }}"}]
