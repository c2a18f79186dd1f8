"""The words that everything about templates shares. No Jinja2 here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, TypedDict

from fsm.values import Value

if TYPE_CHECKING:
    from pydantic import JsonValue

__all__ = ["MARK", "References", "Template", "TemplateError", "as_text", "kind_of", "printable"]

MARK: Final = "$template"
"""The one key of the mapping that stands for a template in a resolved plan."""

Template = TypedDict("Template", {"$template": str})


class TemplateError(ValueError):
    """A template or an expression that cannot be read or rendered: one line, and the next move."""

    def __init__(self, message: str, hint: str = "") -> None:
        message, hint = printable(message), printable(hint)
        super().__init__(f"{message}; {hint}" if hint else message)
        self.message = message
        self.hint = hint


class References(Value):
    """What a template names: `roots` of `params`, `steps`, `run`, `secrets`, and which of each, but of `run`.

    A parameter that is picked by a value (`params[x]`) is not among `params`; a step cannot be.
    """

    roots: frozenset[str]
    steps: frozenset[str]
    params: frozenset[str]
    secrets: frozenset[str] = frozenset()


def printable(text: str) -> str:
    """Text from anywhere, fit for a message: what would move the cursor or turn the line is escaped."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def as_text(value: JsonValue) -> str:
    """A rendered value where only text can stand: an argument, an environment variable.

    `true` for True, `7` for 7. Raises `TemplateError` for a list, a mapping or nothing.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    hint = "write `{{ … or '' }}`" if value is None else "write `{{ … | join(' ') }}` or `| tojson`"
    raise TemplateError(f"{kind_of(value)} cannot stand for text", hint)


def kind_of(value: object) -> str:
    """What a value that is neither text nor a number is called in messages."""
    if value is None:
        return "an empty value"
    return "a mapping" if isinstance(value, Mapping) else "a list"
