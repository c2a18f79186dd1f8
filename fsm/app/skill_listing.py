"""The skills that plans can use, for people: all of them, or one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from fsm.app.skills import Library, existing
from fsm.errors import Invalid, Problem
from fsm.plan.skill import ActionSpec, Parameter, SkillSpec
from fsm.views.skills import Listed

__all__ = ["explained", "library_of", "listed"]

_SHELL: Final = SkillSpec(
    name="shell",
    description="Run a command: what `run` in a plan is short for.",
    origin="fsm itself",
    actions={
        "run": ActionSpec(
            name="run",
            description="A list of arguments runs as it is, text runs in `sh`.",
            params=(
                Parameter(
                    name="command", required=True, description="Text for a shell, or a list."
                ),
            ),
        )
    },
)


def library_of(plan: Path | None, folders: Iterable[str]) -> Library:
    """What a plan of this folder can use, or that plan, with what it names. Raises `Invalid`."""
    more = existing(folders)
    if plan is None:
        return Library(Path(), more=more)
    from fsm.document import read_document

    data = read_document(plan, lenient=True).data
    keys = data.get("plan") if isinstance(data, dict) else None
    named = keys.get("skills") if isinstance(keys, dict) else None
    texts = [text for text in named if isinstance(text, str)] if isinstance(named, list) else []
    return Library(plan.parent, tuple(texts), more=more)


def listed(library: Library) -> Sequence[Listed]:
    """All of them by name; of each that cannot be used, why."""
    rows = [Listed("shell", _SHELL.origin, _SHELL)]
    for name, sources in sorted(library.sources.items()):
        origins = " and ".join(source.origin for source in sources)
        try:
            if name == "shell":
                raise Invalid(
                    [Problem("fsm itself has a skill `shell`", "give this one another name")]
                )
            rows.append(Listed(name, origins, library.find(name)))
        except Invalid as error:
            rows.append(Listed(name, origins, None, error.problems))
    return sorted(rows, key=lambda row: row.name)


def explained(library: Library, name: str) -> SkillSpec:
    """The skill of that name. Raises `Invalid` if there is none, or it cannot be used."""
    found = _SHELL if name == "shell" else library.find(name)
    if found is None:
        from fsm.plan.loading.findings import known_or_similar, quoted

        hint = known_or_similar(name, [*library.names(), "shell"], "list them with: fsm skills")
        raise Invalid([Problem(f"no skill is called `{quoted(name)}`", hint)])
    return found
