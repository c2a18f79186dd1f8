"""Templates: text with `{{ … }}` in it, and the expressions of `if:`. Jinja2, kept on a short lead.

The language is Jinja2's expressions with `{% if %}` and `{% for %}`; `sandbox` says what of it
there is. Names: `params.NAME`, `steps.ID.outputs.NAME`, `steps.ID.state`, `run.id`, and in the parameters of
a skill `secrets.NAME`. An id that is no Jinja2 name is written `steps["step-1"]`. There are no
comments: `{#` is text, as `${#name}` is in a shell.

Jinja2 is imported when the first template is met, and not before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, TypeGuard

from fsm.plan.template.terms import (
    MARK,
    References,
    Template,
    TemplateError,
    as_text,
    kind_of,
    printable,
)

if TYPE_CHECKING:
    from pydantic import JsonValue

__all__ = [
    "MARK",
    "References",
    "Template",
    "TemplateError",
    "as_text",
    "evaluate",
    "expression_references",
    "has_template",
    "is_template",
    "printable",
    "references",
    "render",
    "render_env",
    "render_text",
    "render_with",
    "templates",
    "with_sources",
]


def has_template(text: str) -> bool:
    """Whether an author's text is a template. Text in a resolved plan never is."""
    return "{" in text and ("{{" in text or "{%" in text)


def is_template(value: object) -> TypeGuard[Template]:
    """Whether a value of a resolved plan is the marker of a template."""
    return isinstance(value, dict) and MARK in value


def templates(value: JsonValue | Mapping[str, str | Template]) -> Iterator[str]:
    """The text of every template within a value of a resolved plan."""
    if is_template(value):
        yield value["$template"]
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from templates(item)  # type: ignore[arg-type]
    elif isinstance(value, list):
        for item in value:
            yield from templates(item)


def with_sources(value: JsonValue) -> JsonValue:
    """The value with each template as its author wrote it: to be shown, never to be used."""
    if is_template(value):
        return value["$template"]
    if isinstance(value, dict):
        return {key: with_sources(item) for key, item in value.items()}
    if isinstance(value, list):
        return [with_sources(item) for item in value]
    return value


def references(text: str) -> References:
    """What the template `text` names. Raises `TemplateError` if it cannot be read or names the unknown."""
    from fsm.plan.template.compiled import compile_text

    return compile_text(text).references


def expression_references(expression: str) -> References:
    """What the expression of an `if:` names. Raises `TemplateError` as `references` does."""
    from fsm.plan.template.compiled import compile_expression

    return compile_expression(expression).references


def render(value: JsonValue, context: Mapping[str, object]) -> JsonValue:
    """A value of a resolved plan with every template in it rendered; all other text stays as it is.

    A template that is exactly one `{{ … }}` becomes a value of the type that it evaluates to; any other
    becomes text. Raises `TemplateError`.
    """
    if is_template(value):
        return render_text(value["$template"], context)
    if isinstance(value, dict):
        return {key: render(item, context) for key, item in value.items()}
    if isinstance(value, list):
        return [render(item, context) for item in value]
    return value


def render_env(env: Mapping[str, str | Template], context: Mapping[str, object]) -> dict[str, str]:
    """The environment with every template in it rendered, as text. Raises `TemplateError`."""
    return {
        name: value if isinstance(value, str) else as_text(render_text(value["$template"], context))
        for name, value in env.items()
    }


def render_text(text: str, context: Mapping[str, object]) -> JsonValue:
    """The value of one template. Raises `TemplateError`."""
    from fsm.plan.template.compiled import compile_text

    return compile_text(text).render(context)


def render_with(text: str, values: Mapping[str, object]) -> str:
    """A text whose names are `values` and nothing else. Raises `TemplateError`."""
    from fsm.plan.template.compiled import compile_text

    return as_text(compile_text(text, frozenset(values)).render(values))


def evaluate(expression: str, context: Mapping[str, object]) -> bool:
    """Whether an `if:` holds. Raises `TemplateError` if that cannot be said.

    Only `true` and `false` count, and these two words as text, because every output is text. All else
    that Jinja2 would take for true or false is refused: `if: steps.test.outputs.failures` never means "0".
    """
    from fsm.plan.template.compiled import compile_expression

    value = compile_expression(expression).render(context)
    if isinstance(value, str) and value in ("true", "false"):
        return value == "true"
    if not isinstance(value, bool):
        shown = f"`{value}`"[:40] if isinstance(value, str | int | float) else kind_of(value)
        raise TemplateError(
            f"the condition is neither true nor false but {shown}",
            "compare it, such as `… == 'x'`, `… | int > 0` or `… is defined`",
        )
    return value
