"""A plan's parameters: the declared values, those that a caller overrides, and what neither may hold."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from fsm.document import MAX_DEPTH, Path, parse_document
from fsm.errors import Invalid
from fsm.plan.loading.findings import Findings, known_or_similar, quoted
from fsm.plan.template import MARK, has_template

if TYPE_CHECKING:
    from pydantic import JsonValue

__all__ = ["merge_params"]


def merge_params(
    declared: Mapping[str, Any],
    overrides: Mapping[str, JsonValue],
    typed: Mapping[str, str],
    findings: Findings,
) -> dict[str, JsonValue]:
    """The parameters of a run: plain values, never templates, whatever braces they hold.

    `typed` are overrides as text, which is read as what the declared value is.
    """
    for path, message, hint in _faults(declared, ("plan", "params")):
        findings.add(path, f"{findings.words(path)} {message}", hint)
    merged = dict(declared)
    for name, given in (*overrides.items(), *typed.items()):
        told = f"`--param {quoted(name)}`"
        value = _read(given, declared.get(name)) if name in typed else given
        if name not in declared:
            hint = known_or_similar(name, declared, "declare it under the plan's `params`")
            findings.add_argument(f"{told}: the plan has no such parameter", hint)
        elif fault := _not_json(value):
            findings.add_argument(f"{told}: the value {fault}", "give text, a number, or JSON")
        elif name in typed and (fault := _of_another_kind(value, declared[name])):
            findings.add_argument(
                f"{told} {fault}", "give one, or declare it otherwise in the plan"
            )
        else:
            merged[name] = value
    return merged


def _read(text: Any, declared: Any) -> JsonValue:
    """The value that the text stands for; declared as text, it is text, whatever it looks like."""
    if isinstance(declared, str):
        return str(text)
    try:
        value = parse_document(text, "--param").data if text.strip() else ""
    except Invalid:  # a quote that is never closed, a `[`: no YAML, and text all the same
        return str(text)
    if declared is None and not isinstance(value, bool | int | float):
        return str(text)
    return value


def _of_another_kind(value: Any, declared: Any) -> str:
    """Why a value cannot stand in for the declared one, or ""; it is not shown, it may be a secret."""
    if declared is None or _kind(value) == _kind(declared):
        return ""
    text = quoted(json.dumps(declared, ensure_ascii=False))
    return f"must be {_kind(declared)}, as the declared `{text}` is, not {_kind(value)}"


def _kind(value: Any) -> str:
    match value:
        case bool():
            return "`true` or `false`"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case list():
            return "a list"
        case dict():
            return "a mapping"
        case _:
            return "an empty value"


def _faults(value: Any, path: Path) -> Iterator[tuple[Path, str, str]]:
    if isinstance(value, dict):
        for key, item in value.items():
            if key == MARK:
                yield (*path, key), "is a key that fsm keeps for itself", "give it another name"
            yield from _faults(item, (*path, key))
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from _faults(item, (*path, place))
    elif isinstance(value, str) and has_template(value):
        hint = "write the template where the parameter is used"
        yield path, "holds a template, but parameters are plain values", hint


def _not_json(value: Any) -> str:
    """Why the value cannot stand in a plan's document, or ""."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        text.encode()
        same = json.loads(text) == value
    except UnicodeEncodeError:
        return "is not valid Unicode"
    except (TypeError, ValueError, RecursionError):
        return "is not JSON"
    if not same:
        return "is not JSON"
    if _depth(value) > MAX_DEPTH:
        return f"is nested more than {MAX_DEPTH} deep"
    if any("\0" in text for text in _texts(value)):
        return "holds a NUL character"
    return f"has the key `{MARK}`, which fsm keeps for itself" if MARK in _keys(value) else ""


def _depth(value: Any) -> int:
    depth, level = 0, [value]
    while level := [inner for outer in level for inner in _items(outer)]:
        depth += 1
    return depth


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for item in _items(value):
        yield from _texts(item)
    yield from _keys(value)


def _keys(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from value
    for item in _items(value):
        yield from _keys(item)


def _items(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()
