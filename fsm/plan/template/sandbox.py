"""The Jinja2 environment of plans.

A plan may be looked at before anybody trusts it (`fsm plan FILE`), and its templates are rendered then.
So what they can do is listed here, not what they cannot: operators, `{% if %}`, `{% for %}`, the filters
and methods of `fsm.plan.template.filters`. A dot is a key of a mapping and nothing else. What would take
unbounded time or memory is refused; nothing is random, nor depends on anything but the names given.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from jinja2 import StrictUndefined, Undefined, pass_context
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment

from fsm.plan.template.filters import FILTERS, METHODS, TESTS, TooLarge, power, remainder, times
from fsm.plan.template.reading import COUNTED
from fsm.plan.template.terms import TemplateError, as_text

__all__ = ["ENVIRONMENT", "MAX_TURNS", "TURNS", "to_text"]

MAX_TURNS = 100_000
"""Turns that all loops of one template may take together."""

TURNS = "turns left"
"""Where a template's context keeps them; no name that a template could write."""

_LOOP = frozenset({"first", "index", "index0", "last", "length", "revindex", "revindex0"})


class _Missing(StrictUndefined):
    """A name that is not there: to use it is an error, to ask whether it `is defined` is not."""

    __slots__ = ()


class _Environment(ImmutableSandboxedEnvironment):
    """Jinja2 in which a dot is a key, and nothing but listed methods can be called."""

    intercepted_binops = frozenset({"*", "**", "%"})

    def getattr(self, obj: Any, attribute: str) -> Any:
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(obj, Undefined):
            obj._fail_with_undefined_error()
        if isinstance(obj, str) and argument in METHODS:
            return partial(METHODS[argument], obj)
        if isinstance(obj, LoopContext):
            return getattr(obj, argument) if argument in _LOOP else _missing(obj, argument)
        if isinstance(obj, str | list | tuple) and not isinstance(argument, int):
            return _missing(obj, argument)
        try:
            return obj[argument]
        except (LookupError, TypeError):
            pass
        if isinstance(obj, Mapping) and isinstance(argument, int) and str(argument) in obj:
            return obj[str(argument)]  # steps.1.outputs: Jinja2 reads a number
        return _missing(obj, argument)

    def call(self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(__obj, Undefined):
            __obj._fail_with_undefined_error()
        if not isinstance(__obj, partial):
            raise TemplateError("only methods of text can be called", "use a filter: `… | lower`")
        return __obj(*args, **kwargs)


def _missing(obj: Any, name: object) -> _Missing:
    if isinstance(obj, Mapping):
        known = ", ".join(f"`{key}`" for key in list(obj)[:10])
        hint = f"there is: {known}" if known else "there is nothing in it"
        if name in ("items", "keys", "values"):
            hint = "write `| items` for the pairs of a mapping"
        return _Missing(f"nothing is called `{name}` here; {hint}")
    return _Missing(f"{_what(obj)} has no `{name}`")


def _what(value: object) -> str:
    if isinstance(value, str):
        return "text"
    if isinstance(value, bool) or value is None:
        return f"`{str(value).lower()}`"
    return "a number" if isinstance(value, int | float) else "a list"


@pass_context
def _counted(context: Context, items: Iterable[object]) -> Iterator[object]:
    """The items of a loop, as long as the template may still turn."""
    left = context.parent[TURNS]
    for item in items:
        if next(left, None) is None:
            raise TooLarge
        yield item


def to_text(value: object) -> str:
    """What an expression within other text becomes."""
    if isinstance(value, Undefined):
        value._fail_with_undefined_error()
    if isinstance(value, partial):
        raise TemplateError("a method cannot stand for text", "call it with `()`")
    return as_text(value)  # type: ignore[arg-type]


def _environment() -> _Environment:
    environment = _Environment(
        undefined=_Missing,
        finalize=to_text,
        autoescape=False,
        keep_trailing_newline=True,
        optimized=False,
        cache_size=0,
        comment_start_string="\0{#",
        comment_end_string="#}\0",
    )
    environment.binop_table.update({"*": times, "**": power, "%": remainder})
    environment.globals.clear()
    environment.filters = {**FILTERS, COUNTED: _counted}
    environment.tests = {name: environment.tests[name] for name in TESTS}
    return environment


ENVIRONMENT = _environment()
