"""A plan's parameters: the declared values, those that a caller overrides, and what neither may hold."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from fsm.document import MAX_DEPTH, Path
from fsm.plan.loading.findings import Findings, known_or_similar, quoted
from fsm.plan.template import MARK, has_template

if TYPE_CHECKING:
    from pydantic import JsonValue

__all__ = ["merge_params"]


def merge_params(
    declared: Mapping[str, Any], overrides: Mapping[str, JsonValue], findings: Findings
) -> dict[str, JsonValue]:
    """The parameters of a run: plain values, never templates, whatever braces they hold."""
    for path, message, hint in _faults(declared, ("plan", "params")):
        findings.add(path, f"{findings.words(path)} {message}", hint)
    merged = dict(declared)
    for name, value in overrides.items():
        told = f"`--param {quoted(name)}`"
        if name not in declared:
            hint = known_or_similar(name, declared, "declare it under the plan's `params`")
            findings.add_argument(f"{told}: the plan has no such parameter", hint)
        elif fault := _not_json(value):
            findings.add_argument(f"{told}: the value {fault}", "give text, a number, or JSON")
        else:
            merged[name] = value
    return merged


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
