"""Commands and environments as authors write them: where a template may stand in them, and where not.

No user text becomes code (DESIGN.md, semantics 10): a templated value enters a command only as an element
of an argument list, or as an environment variable (F62).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from fsm.plan.loading.findings import Findings
from fsm.plan.loading.texts import Use
from fsm.plan.template import MARK, Template, has_template

if TYPE_CHECKING:
    from pydantic import JsonValue

__all__ = ["Commands"]

_RESERVED = frozenset(
    {"FSM_ATTEMPT", "FSM_IDEMPOTENCY_KEY", "FSM_OUTPUT", "FSM_RUN_ID", "FSM_STEP_ID"}
)
"""The variables that fsm sets for every step's process."""

_SHELLS = frozenset({"ash", "bash", "dash", "ksh", "sh", "zsh"})
_TEMPLATE = re.compile(r"\{\{[^{}|]*?(\w+)[^\w{}|]*(?:\|[^{}]*)?\}\}")
_NUMBER = re.compile(r"(?:(?:\"[^\"]*\"|'[^']*'|[^:\s]+)\s*:\s*)?([-+0-9.eE]+)")


class Resolves(Protocol):
    """Knows what templates may name where a command is written (`fsm.plan.loading.texts.Texts`)."""

    def text(self, value: str, use: Use) -> str | Template: ...


class Commands:
    """Resolves what a process is started with."""

    def __init__(self, texts: Resolves, secrets: Collection[str], findings: Findings) -> None:
        self._texts = texts
        self._secrets = secrets
        self._findings = findings

    def command(self, typed: str | Sequence[str | float], use: Use) -> JsonValue:
        """Text for a shell as it is, or the list of arguments, each of them text."""
        if isinstance(typed, str):
            self._plain(typed, use)
            return typed
        for place in _scripts(typed):
            self._plain(str(typed[place]), use.at(place))
        arguments: list[JsonValue] = []
        for place, argument in enumerate(typed):
            text = argument if isinstance(argument, str) else self._spelled(argument, use.at(place))
            if has_template(text):
                resolved = self._texts.text(text, use.at(place))
                arguments.append(resolved if isinstance(resolved, str) else {MARK: resolved[MARK]})
            else:
                arguments.append(text)
        return arguments

    def env(
        self, typed: Mapping[str, str | float | None], use: Use
    ) -> tuple[dict[str, str | Template], tuple[str, ...]]:
        """The environment, each value text or a template; and the names that the caller must have set."""
        resolved: dict[str, str | Template] = {}
        for name, value in typed.items():
            place = use.at(name)
            if value is None:
                continue
            text = value if isinstance(value, str) else self._spelled(value, place)
            resolved[name] = self._texts.text(text, place)
            if name in _RESERVED:
                message, hint = "is set by fsm itself", "give it another name"
            elif name in self._secrets:
                message = "is a secret, and a plan never holds the value of one"
                hint = "set it in the environment that fsm runs in"
            else:
                continue
            self._findings.add(place.path, f"{self._findings.words(place.path)} {message}", hint)
        return resolved, tuple(name for name, value in typed.items() if value is None)

    def _plain(self, text: str, use: Use) -> None:
        """A shell would run what a template's value says: refuse it, and show both ways out."""
        if not has_template(text):
            return
        found = _TEMPLATE.search(text)
        template = found[0] if found else "{{ params.x }}"
        name = found[1].upper() if found and not found[1][0].isdigit() else "X"
        self._findings.add(
            use.path,
            f"{self._findings.words(use.path)} has a template within text that a shell runs",
            f'give it as one argument of a list, `[…, "{template}"]`, '
            f'or as `env: {{{name}: "{template}"}}` and write `"${name}"`',
        )

    def _spelled(self, value: bool | int | float, use: Use) -> str:
        """A number or a boolean as text; a fraction as the author spelled it, so 3.10 is not 3.1."""
        if isinstance(value, bool):
            return "true" if value else "false"
        if not isinstance(value, float):
            return str(value)
        line, column = self._findings.document.position(use.path)
        lines = self._findings.document.text.split("\n")
        written = _NUMBER.match(lines[line - 1], column - 1) if line <= len(lines) else None
        try:
            if written is not None and float(written[1]) == value:
                return written[1]
        except ValueError:
            pass
        return repr(value)


def _scripts(arguments: Sequence[object]) -> list[int]:
    """The places of arguments that are shell text all the same: the third of `[bash, -c, …]`."""
    found = []
    for place, argument in enumerate(arguments):
        if not isinstance(argument, str) or argument.rpartition("/")[2] not in _SHELLS:
            continue
        option = place + 1
        while option < len(arguments) and str(arguments[option]).startswith(("-", "+")):
            if re.match(r"-\w*c", str(arguments[option])) and option + 1 < len(arguments):
                found.append(option + 1)
                break
            option += 1
    return found
