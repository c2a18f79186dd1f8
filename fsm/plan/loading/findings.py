"""The problems of one plan file, gathered while loading goes on: all of them are reported at once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fsm.document import Document, Path, suggest
from fsm.errors import Invalid, Problem
from fsm.plan.loading import values
from fsm.plan.template import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from fsm.plan.template import TemplateError

__all__ = [
    "PHASES",
    "PLAN",
    "SKILL",
    "STEPS",
    "Findings",
    "Form",
    "known_or_similar",
    "quoted",
    "real_path",
]

STEPS: Path = ("plan", "steps")


@dataclass(frozen=True, slots=True)
class Form:
    """Where a kind of file has its steps, under which key each has its id, and what people call both.

    Without such a key the steps are a mapping, by their ids.
    """

    steps: Path
    id: str
    step: str
    whole: str


PLAN = Form(STEPS, "id", "step", "plan")
PHASES = Form(("phases",), "name", "phase", "specification")
SKILL = Form(("skill", "actions"), "", "action", "skill")

_NOWHERE = object()
_ID = re.compile(values.ID)


class Findings:
    """Takes problems by their path in the document; places them and names their owner for people.

    `secrets` are those that the plan names, as far as it can be read: see `Invalid`.
    """

    def __init__(self, document: Document, form: Form = PLAN) -> None:
        self.document = document
        self.form = form
        self.secrets: Sequence[str] = ()
        self._problems: list[Problem] = [*document.duplicates]

    def add(self, path: Path, message: str, hint: str = "") -> None:
        """A problem at the key or item that `path` leads to."""
        self._problems.append(self.document.problem(path, message, hint))

    def add_template(self, path: Path, error: TemplateError) -> None:
        """A template at `path` that cannot be read or rendered."""
        self.add(path, f"{self.words(path)}: {error.message}", error.hint)

    def add_argument(self, message: str, hint: str = "") -> None:
        """A problem of what the caller asked for, which has no place in the file."""
        self._problems.append(Problem(message, hint))

    def add_foreign(self, problem: Problem) -> None:
        """A problem of another file that this one needs."""
        if str(problem) not in map(str, self._problems):
            self._problems.append(problem)

    def raise_if_any(self) -> None:
        """Raises `Invalid` with all problems so far."""
        if self._problems:
            raise Invalid(self._problems, secrets=self.secrets)

    def words(self, path: Path) -> str:
        """What stands at `path`, in words: "`params.labels[0]` of step `build`"."""
        steps = self.form.steps
        inside = path[: len(steps)] == steps and len(path) > len(steps)
        depth = len(steps) + 1 if inside else min(len(path), len(steps) - 1)
        owner, inner = path[:depth], path[depth:]
        keys = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in inner)
        told = f"`{quoted(keys.removeprefix('.'))}` of " if keys else ""
        return told + self._owner(owner)

    def _owner(self, path: Path) -> str:
        form = self.form
        if len(path) < len(form.steps):
            return f"the {form.whole}" if len(path) == len(form.steps) - 1 else "the file"
        index = path[-1]
        if isinstance(index, str):
            return f"{form.step} `{quoted(index)}`"
        step = self.value((*path, form.id))
        proper = isinstance(step, str) and _ID.fullmatch(step)
        return f"{form.step} `{step}`" if proper else f"{form.step} number {index + 1}"

    def value(self, path: Path) -> object:
        """What the document has at `path`; some other object if there is no such place."""
        value: object = self.document.data
        for key in path:
            value = _inside(value, key)
        return value

    def real(self, path: Path) -> Path:
        """`path` without the keys that lead nowhere in the document."""
        return real_path(self.document.data, path)


def real_path(value: object, path: Path) -> Path:
    """`path` without the keys that lead nowhere in `value`."""
    found: Path = ()
    for key in path:
        if (inner := _inside(value, key)) is not _NOWHERE:
            value, found = inner, (*found, key)
    return found


def _inside(value: object, key: str | int) -> object:
    if isinstance(value, dict):
        return value.get(key, _NOWHERE)
    if isinstance(value, list) and isinstance(key, int) and key < len(value):
        return value[key]
    return _NOWHERE


def quoted(text: str) -> str:
    """An author's text for a message: one line, no control characters, not too long."""
    text = printable(text[:61])
    return text if len(text) <= 60 else f"{text[:59]}…"


def known_or_similar(word: str, known: Iterable[str], otherwise: str) -> str:
    """The hint for an unknown word: a similar one, the few there are, or `otherwise`."""
    known = list(known)
    if told := suggest(word, known):
        return told
    if 0 < len(known) <= 8:
        return "there is: " + ", ".join(f"`{quoted(name)}`" for name in known)
    return otherwise
