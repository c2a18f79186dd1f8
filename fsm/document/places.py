"""Where each part of a document stands: a second pass, which only a file with problems needs."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field

from yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    MappingStartEvent,
    ScalarEvent,
)

from fsm.document.limits import MAX_DEPTH, MAX_PROBLEMS, Path
from fsm.document.scalars import shorten
from fsm.document.syntax import events, place_of
from fsm.errors import Invalid, Problem

__all__ = ["Places", "find_places"]

Place = tuple[int, int]


@dataclass(slots=True)
class Places:
    """`at`: line and column, from 1, of every key and item; `duplicates`: keys that came twice."""

    at: dict[Path, Place] = field(default_factory=dict)
    duplicates: list[Problem] = field(default_factory=list)


@dataclass(slots=True)
class _Container:
    path: Path
    keys: dict[str, Place] | None  # None: a sequence
    key: str | None = None
    size: int = 0


def find_places(text: str, path: str) -> Places:
    """The places of `text` up to its end, or up to where it stops being a document."""
    found = Places()
    with suppress(Invalid):  # The builder has said it.
        _walk(text, path, found)
    return found


def _walk(text: str, path: str, found: Places) -> None:
    stack: list[_Container] = []
    for event in events(text, path):
        if isinstance(event, CollectionEndEvent):
            stack.pop()
            continue
        if not isinstance(event, ScalarEvent | CollectionStartEvent | AliasEvent):
            continue
        inner: Path = ()
        if stack:
            top = stack[-1]
            if top.keys is None:
                inner = (*top.path, top.size)
                top.size += 1
            elif top.key is None:
                if not isinstance(event, ScalarEvent):
                    return
                _enter_key(top, event, path, found)
                if len(found.duplicates) == MAX_PROBLEMS:
                    return
                continue
            else:
                inner = (*top.path, top.key)
                top.key = None
        # A key's own place came first and stays.
        found.at.setdefault(inner, place_of(event))
        if isinstance(event, CollectionStartEvent):
            if len(stack) == MAX_DEPTH:
                return
            keys: dict[str, Place] | None = {} if isinstance(event, MappingStartEvent) else None
            stack.append(_Container(inner, keys))


def _enter_key(mapping: _Container, event: ScalarEvent, path: str, found: Places) -> None:
    assert mapping.keys is not None
    key, here = event.value, place_of(event)
    mapping.key = key
    found.at.setdefault((*mapping.path, key), here)
    first = mapping.keys.setdefault(key, here)
    if first is not here:
        found.duplicates.append(
            Problem(
                f"the key `{shorten(key)}` came before, on line {first[0]}",
                "keep one of the two",
                path=path,
                line=here[0],
                column=here[1],
            )
        )
