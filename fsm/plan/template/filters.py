"""What a template may do with a value: filters, tests and methods of text, each bounded and repeatable."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from jinja2 import Environment, Undefined, pass_environment
from jinja2.filters import FILTERS as JINJA_FILTERS

from fsm.plan.template.terms import as_text

__all__ = ["FILTERS", "MAX_SIZE", "METHODS", "TESTS", "TooLarge", "power", "remainder", "times"]

MAX_SIZE = 1_000_000
"""Characters of one text."""
_MAX_BITS = 10_000


class TooLarge(Exception):
    """A value would become larger than any plan needs."""


def times(left: Any, right: Any) -> Any:
    """`left * right`, or `TooLarge` before it is computed. Lists are not multiplied."""
    for text, count in ((left, right), (right, left)):
        if isinstance(text, str) and isinstance(count, int) and len(text) * count > MAX_SIZE:
            raise TooLarge
    if isinstance(left, list | tuple) or isinstance(right, list | tuple):
        raise TypeError("a list cannot be multiplied")
    if isinstance(left, int) and isinstance(right, int):
        _bounded(left.bit_length() + right.bit_length())
    return left * right


def power(left: Any, right: Any) -> Any:
    """`left ** right`, or `TooLarge` before it is computed."""
    if isinstance(left, int) and isinstance(right, int) and right > 0:
        _bounded(left.bit_length() * right)
    return left**right


def remainder(left: Any, right: Any) -> Any:
    """`left % right` of numbers; text is not formatted: `'%999999999d' % 1` would fill the memory."""
    if isinstance(left, str):
        raise TypeError("% is for numbers; join text with ~")
    return left % right


def _bounded(bits: int) -> None:
    if bits > _MAX_BITS:
        raise TooLarge


def _text(value: Any) -> str:
    if isinstance(value, Undefined):
        value._fail_with_undefined_error()
    return as_text(value)


def _replace(text: Any, old: Any, new: Any, count: int = -1) -> str:
    whole, part, other = _text(text), _text(old), _text(new)
    if len(whole) + whole.count(part) * len(other) > MAX_SIZE:
        raise TooLarge
    return whole.replace(part, other, count)


def _round(value: float, digits: int = 0) -> float:
    return round(value, max(-400, min(digits, 400)))


def _joined(separator: str, values: Iterable[Any]) -> str:
    texts = [_text(value) for value in values]
    if sum(map(len, texts)) + len(separator) * len(texts) > MAX_SIZE:
        raise TooLarge
    return separator.join(texts)


@pass_environment
def _join(
    environment: Environment, values: Iterable[Any], separator: str = "", attribute: Any = None
) -> str:
    if attribute is not None:
        values = [environment.getitem(value, attribute) for value in values]
    return _joined(separator, values)


def _tojson(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, Undefined):
        value._fail_with_undefined_error()
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError("this is not JSON data")


_AS_IN_JINJA = """
    abs capitalize count d default dictsort first float int items last length list lower map max min
    reject rejectattr reverse select selectattr sort sum title trim truncate unique upper urlencode
    wordcount
"""

FILTERS: Mapping[str, Callable[..., Any]] = {
    **{name: JINJA_FILTERS[name] for name in _AS_IN_JINJA.split()},
    "join": _join,
    "replace": _replace,
    "round": _round,
    "string": _text,
    "tojson": _tojson,
}

_TESTS_AS_IN_JINJA = """
    != < <= == > >= boolean defined divisibleby eq equalto even false float ge greaterthan gt in integer
    le lessthan lower lt mapping ne none number odd sequence string true undefined upper
"""

TESTS = frozenset(_TESTS_AS_IN_JINJA.split())

METHODS: Mapping[str, Callable[..., Any]] = {
    "capitalize": str.capitalize,
    "count": str.count,
    "endswith": str.endswith,
    "find": str.find,
    "isalnum": str.isalnum,
    "isalpha": str.isalpha,
    "isdigit": str.isdigit,
    "join": _joined,
    "lower": str.lower,
    "lstrip": str.lstrip,
    "removeprefix": str.removeprefix,
    "removesuffix": str.removesuffix,
    "replace": _replace,
    "rsplit": str.rsplit,
    "rstrip": str.rstrip,
    "split": str.split,
    "splitlines": str.splitlines,
    "startswith": str.startswith,
    "strip": str.strip,
    "title": str.title,
    "upper": str.upper,
}
