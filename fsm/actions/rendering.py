"""The command of a declared action with its parameters in it: values stay data, whatever they hold (F62)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from fsm.errors import Invalid, Problem
from fsm.plan.skill import ActionSpec
from fsm.plan.template import MARK, as_text, is_template, references, render_text, templates

if TYPE_CHECKING:
    from pydantic import JsonValue

__all__ = ["given", "rendered"]

_LITERAL = re.compile(r"'(-[^']*)'|\"(-[^\"]*)\"")


def rendered(
    spec: ActionSpec, command: JsonValue, params: Mapping[str, JsonValue]
) -> tuple[JsonValue, Mapping[str, str | None]]:
    """The command, and the environment that it adds; `None` takes a variable out of it.

    Every parameter has a name there: one that is optional and was not given is null. What names one whose
    value is not known yet stays the template that it is in the command, and is left out of the environment.
    Raises `TemplateError`, and `Invalid` for a value that would be an option of the command.
    """
    names, later = _names(spec, params)
    env = {
        name: _text(value, names) for name, value in spec.env.items() if not _waits(value, later)
    }
    if not isinstance(command, list):
        return command, env
    words: list[JsonValue] = []
    for item in command:
        if not is_template(item) or _waits(item, later):
            words.append(item)
            continue
        found = list(_arguments(item["$template"], names))
        if "--" not in words:
            _refuse_options(spec, item["$template"], found)
        words += found
    return words, env


def given(spec: ActionSpec, params: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """What an action of another skill is given by this one: nothing for null. Raises as `rendered`."""
    names, later = _names(spec, params)
    assert spec.call is not None
    found = {name: _value(value, names, later) for name, value in spec.call["params"].items()}
    return {name: value for name, value in found.items() if value is not None}


def _value(value: JsonValue, names: Mapping[str, object], later: Collection[str]) -> JsonValue:
    if is_template(value):
        text = value["$template"]
        return {MARK: text} if _waits(value, later) else render_text(text, names)
    if isinstance(value, list):
        return [_value(item, names, later) for item in value]
    if isinstance(value, dict):
        return {key: _value(item, names, later) for key, item in value.items()}
    return value


def _names(
    spec: ActionSpec, params: Mapping[str, JsonValue]
) -> tuple[Mapping[str, object], Collection[str]]:
    """What templates may name, and the parameters whose value is not known yet."""
    known = {parameter.name: parameter.default for parameter in spec.params} | dict(params)
    return {"params": known}, {name for name, value in known.items() if any(templates(value))}


def _waits(value: object, later: Collection[str]) -> bool:
    """Whether it names a parameter that is not known yet."""
    if not later or not is_template(value):
        return False
    named = references(value["$template"])
    return not named.params or not named.params.isdisjoint(later)


def _arguments(template: str, names: Mapping[str, object]) -> Iterator[str]:
    """One, or all that are in a list; none for null."""
    value = render_text(template, names)
    if isinstance(value, list):
        yield from map(as_text, value)
    elif value is not None:
        yield as_text(value)


def _text(value: JsonValue, names: Mapping[str, object]) -> str | None:
    found = render_text(value["$template"], names) if is_template(value) else value
    return None if found is None else as_text(found)


def _refuse_options(spec: ActionSpec, template: str, arguments: Sequence[str]) -> None:
    """Raises `Invalid` if a parameter's value would be taken for an option of the command.

    What the author of the skill wrote into the template as an option is one; so is what a parameter may
    give that says so, and a negative number.
    """
    if not template.startswith("{{"):
        return
    used = [spec.parameter(name) for name in sorted(references(template).params)]
    if used and all(p and (p.options or p.kind in ("integer", "number")) for p in used):
        return
    own = [first or second for first, second in _LITERAL.findall(template)]
    for argument in arguments:
        is_joined = any(argument.startswith(word) for word in own if word.endswith("="))
        if argument.startswith("-") and argument not in own and not is_joined:
            told = ", ".join(f"`{p.name}`" for p in used if p is not None)
            raise Invalid(
                [
                    Problem(
                        f"the value of {told} begins with `-`, and would be an option of the command",
                        "the skill can say `--` before it, or `options: true` of the parameter",
                    )
                ]
            )
