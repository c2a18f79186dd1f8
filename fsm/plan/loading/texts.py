"""Templates while a plan is loaded: checked, rendered if only parameters matter, marked if not.

`Use` says who uses a template, and what it may name there.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from fsm.document import Path
from fsm.plan.loading.findings import Findings, known_or_similar, quoted
from fsm.plan.loading.roster import Roster
from fsm.plan.template import (
    MARK,
    References,
    Template,
    TemplateError,
    as_text,
    evaluate,
    expression_references,
    has_template,
    is_template,
    references,
    render_text,
)

if TYPE_CHECKING:
    from pydantic import JsonValue

__all__ = ["May", "Texts", "Use"]


_NONE = References(frozenset(), frozenset(), frozenset())


class May(Enum):
    """What a template may name, by where it stands."""

    NOW = "parameters only, since the value must be known before the plan runs"
    PLAN = "parameters and the run"
    STEP = "also the steps that its own step waits for"
    UNDO = "also its own step, which is done by then"


@dataclass(frozen=True, slots=True)
class Use:
    """A place where templates may stand: in step `step` ("" for the plan itself), at `path`.

    `secrets` says that they may name secrets there: they are then rendered for the action alone.
    """

    path: Path
    step: str
    may: May
    secrets: bool = False

    def at(self, *keys: str | int) -> Use:
        """The place below this one."""
        return Use((*self.path, *keys), self.step, self.may, self.secrets)


class Texts:
    """Resolves authored values. What is wrong goes to `findings`, and the value is then of no use."""

    def __init__(
        self,
        params: Mapping[str, JsonValue],
        roster: Roster,
        findings: Findings,
        secrets: Collection[str] = (),
    ) -> None:
        self._secrets = secrets
        self._names = {"params": params}
        self._params = params
        self._roster = roster
        self._findings = findings

    def value(self, value: JsonValue, use: Use) -> JsonValue:
        """The value with its templates rendered, or marked as such where they must wait."""
        if isinstance(value, str):
            return self._template(value, use) if has_template(value) else value
        if isinstance(value, dict):
            for key in value:
                self._key(key, use)
            return {key: self.value(item, use.at(key)) for key, item in value.items()}
        if isinstance(value, list):
            return [self.value(item, use.at(place)) for place, item in enumerate(value)]
        return value

    def text(self, value: str, use: Use) -> str | Template:
        """Text where nothing but text can stand: an argument, a variable. `value` as `value` does."""
        if not has_template(value):
            return value
        rendered = self._template(value, use)
        if is_template(rendered):
            return rendered
        try:
            return as_text(rendered)
        except TemplateError as error:
            self._refuse(error, use, references(value))
            return ""

    def now(self, value: str, path: Path, step: str = "") -> str:
        """Text that must be known before the plan runs."""
        resolved = self.text(value, Use(path, step, May.NOW))
        return resolved if isinstance(resolved, str) else ""

    def condition(self, expression: str, use: Use) -> str:
        """The expression of an `if:`, checked; decided now, for its faults, if parameters suffice."""
        if has_template(expression):
            inner = expression.strip().removeprefix("{{").removesuffix("}}").strip()
            plain = "{" not in inner and "}" not in inner
            self._findings.add(
                use.path,
                f"{self._findings.words(use.path)} is an expression, not a template",
                f"write `if: {quoted(inner)}`" if plain else "write it without braces",
            )
            return expression
        named = _NONE
        try:
            named = expression_references(expression)
            if self._allowed(named, use) and named.roots <= {"params"}:
                evaluate(expression, self._names)
        except TemplateError as error:
            self._refuse(error, use, named)
        return expression

    def _template(self, text: str, use: Use) -> JsonValue:
        named = _NONE
        try:
            named = references(text)
            if not self._allowed(named, use):
                return ""
            if named.roots <= {"params"}:
                return render_text(text, self._names)
        except TemplateError as error:
            self._refuse(error, use, named)
            return ""
        return {MARK: text}

    def _refuse(self, error: TemplateError, use: Use, named: References) -> None:
        """Say why; a parameter that was declared without a value is most likely what is missing."""
        empty = sorted(name for name in named.params if self._params.get(name, "") is None)
        if empty:
            hint = f"`params.{empty[0]}` has no value: give it one with `--param {empty[0]}=…`"
            error = TemplateError(error.message, hint)
        self._findings.add_template(use.path, error)

    def _allowed(self, named: References, use: Use) -> bool:
        """Whether the names are there and may be used here; whatever may not goes to `findings`."""
        faults = [
            *self._unknown_params(named),
            *self._unfit_secrets(named, use),
            *(self._out_of_place(named, use) or self._unknown_steps(named, use)),
        ]
        for message, hint in faults:
            self._findings.add(use.path, f"{self._findings.words(use.path)} {message}", hint)
        return not faults

    def _unknown_params(self, named: References) -> list[tuple[str, str]]:
        return [
            (
                f"names `params.{quoted(name)}`, which the plan does not declare",
                known_or_similar(name, self._params, "declare it under the plan's `params`"),
            )
            for name in sorted(named.params - self._params.keys())
        ]

    def _unfit_secrets(self, named: References, use: Use) -> list[tuple[str, str]]:
        """A secret may be given to skills only: arguments are seen by every user of the machine (F64)."""
        if named.secrets and not use.secrets:
            name = quoted(min(named.secrets))
            hint = f'steps find it in their environment: `run: tool "${name}"`'
            return [("names a secret, which only the `params` of a skill may", hint)]
        return [
            (
                f"names `secrets.{quoted(name)}`, which the plan does not declare",
                known_or_similar(name, self._secrets, "declare it under the plan's `secrets`"),
            )
            for name in sorted(named.secrets.difference(self._secrets))
        ]

    def _out_of_place(self, named: References, use: Use) -> list[tuple[str, str]]:
        if use.may is May.NOW and (early := sorted(named.roots - {"params", "secrets"})):
            return [(f"names `{early[0]}`, but must be known before the plan runs", "use `params`")]
        if use.may is May.PLAN and "steps" in named.roots:
            return [
                (
                    "names a step, but is the same for all steps",
                    "put it into the step that needs it",
                )
            ]
        return []

    def _unknown_steps(self, named: References, use: Use) -> list[tuple[str, str]]:
        found = []
        for name in sorted(named.steps):
            if name not in self._roster.dependencies:
                near = known_or_similar(name, self._roster.ids, "name a step of the plan")
                found.append((f"names step `{quoted(name)}`, which the plan does not have", near))
            elif name == use.step:
                if use.may is not May.UNDO:
                    found.append(
                        ("names its own step, which is not done by then", "name an earlier step")
                    )
            elif use.step and not self._roster.waits_for(use.step, name):
                hint = f"add `{name}` to its `depends_on`"
                found.append((f"names step `{name}`, which it does not wait for", hint))
        return found

    def _key(self, key: str, use: Use) -> None:
        if has_template(key):
            self._findings.add(
                use.at(key).path,
                f"{self._findings.words(use.path)} has a template as a key",
                "only values can be templates",
            )
        elif key == MARK:
            self._findings.add(
                use.at(key).path,
                f"{self._findings.words(use.path)} has the key `{MARK}`",
                "fsm keeps it for itself",
            )
