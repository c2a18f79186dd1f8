"""Plain data from the parser's events: one pass, no recursion, bounds checked on the way."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NoReturn

from yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    DocumentStartEvent,
    Event,
    MappingStartEvent,
    ScalarEvent,
    SequenceStartEvent,
)

from fsm.document.limits import MAX_ALIASES, MAX_DEPTH, MAX_NODES, MAX_PROBLEMS, Data, Scalar
from fsm.document.places import find_places
from fsm.document.scalars import CORE, ScalarError, plain, shorten, tagged
from fsm.document.syntax import events, place_of
from fsm.errors import Invalid, Problem

__all__ = ["build"]

# An escape that a text or a key could carry a NUL or a surrogate in with.
_ESCAPE = re.compile(r"\\[0xuU]")
_UNUSABLE = re.compile("[\0\ud800-\udfff]")

_DUPLICATE = "\0"
"""Where the value of a key that came before is put, until it is thrown away; no key of a document."""

_Anchored = tuple[Data, int, int]  # the value, its nodes, its height


def build(text: str, path: str) -> tuple[Data, Sequence[Problem]]:
    """The data of the one document in `text`, None if there is none, and the keys that came twice in it.

    Of such a key the first value stands. Raises Invalid for every other problem, with the duplicates.
    """
    return _Builder(text, path).build()


class _Builder:
    def __init__(self, text: str, path: str) -> None:
        self._text = text
        self._path = path
        self._problems: list[Problem] = []
        self._duplicated: list[dict[str, Data]] = []
        self._escapes = _ESCAPE.search(text) is not None

    def build(self) -> tuple[Data, Sequence[Problem]]:
        data: Data = None
        duplicates: Sequence[Problem] = ()
        try:
            data = self._build()
        except Invalid as stop:
            self._problems += stop.problems
        if self._duplicated:
            duplicates = find_places(self._text, self._path).duplicates
            for mapping in self._duplicated:
                mapping.pop(_DUPLICATE, None)
        if self._problems:
            raise Invalid([*self._problems, *duplicates])
        return data, duplicates

    def _build(self) -> Data:
        # The loop is the reader's whole cost, so its state lives in local variables. The innermost
        # open container is `mapping`, or `items` when that is None; at the top, the document.
        items: list[Data] = []
        mapping: dict[str, Data] | None = None
        key: str | None = None
        height = 0  # the most containers inside one another within the innermost open one, so far
        top = items
        stack: list[tuple[list[Data], dict[str, Data] | None, int, str | None, int]] = []
        anchors: dict[str, _Anchored | None] = {}  # None: still open
        names: dict[str, str] = {}
        known: dict[str, Scalar] = {}
        nodes = aliases = documents = 0
        value: Data

        for event in events(self._text, self._path):
            if isinstance(event, ScalarEvent):
                nodes += 1
                text = event.value
                if mapping is not None and key is None:
                    key = names.setdefault(text, text)
                    if event.anchor or event.tag or self._escapes or text == "<<":
                        self._check_key(event)
                        if event.anchor:
                            anchors[event.anchor] = (key, 1, 0)
                    if key in mapping:
                        self._duplicated.append(mapping)
                        key = _DUPLICATE
                    continue
                if event.implicit[0] and event.tag is None:
                    if text in known:
                        value = known[text]
                    else:
                        value = self._scalar(event)
                        if value is not None:  # nothing, or refused: each one has its own place
                            known[text] = value
                else:
                    value = self._scalar(event)
                if event.anchor:
                    anchors[event.anchor] = (value, 1, 0)
            elif isinstance(event, CollectionEndEvent):
                closed: Data = items if mapping is None else mapping
                size, depth = nodes, height + 1
                items, mapping, height, anchor, before = stack.pop()
                if anchor:
                    anchors[anchor] = (closed, size - before, depth)
                height = max(height, depth)
                continue
            elif isinstance(event, SequenceStartEvent | MappingStartEvent):
                if mapping is not None and key is None:
                    self._stop(event, *_COMPLEX_KEY)
                if len(stack) == MAX_DEPTH:
                    self._stop(event, f"is nested deeper than {MAX_DEPTH}", "flatten it")
                is_map = isinstance(event, MappingStartEvent)
                if event.tag:
                    self._check_collection_tag(event.tag, "map" if is_map else "seq", event)
                if event.anchor:
                    anchors[event.anchor] = None
                inner_items: list[Data] = []
                inner: dict[str, Data] | None = {} if is_map else None
                value = inner_items if inner is None else inner
                if mapping is None:
                    items.append(value)
                elif key is not None:
                    mapping[key], key = value, None
                stack.append((items, mapping, height, event.anchor, nodes))
                nodes += 1
                items, mapping, height = inner_items, inner, 0
                if nodes > MAX_NODES:
                    self._stop(event, *_TOO_MANY_NODES)
                continue
            elif isinstance(event, AliasEvent):
                if mapping is not None and key is None:
                    self._stop(event, *_COMPLEX_KEY)
                aliases += 1
                if aliases > MAX_ALIASES:
                    self._stop(event, f"more than {MAX_ALIASES:,} aliases", "write the values out")
                value, size, depth = self._target(event, anchors)
                nodes += size
                if len(stack) + depth > MAX_DEPTH:
                    self._stop(event, f"is nested deeper than {MAX_DEPTH}", "flatten it")
                height = max(height, depth)
            elif isinstance(event, DocumentStartEvent):
                documents += 1
                if documents > 1:
                    hint = "keep one document in a file, without `---` between"
                    self._stop(event, "a second document begins", hint)
                continue
            else:
                continue
            if nodes > MAX_NODES:
                self._stop(event, *_TOO_MANY_NODES)
            if mapping is None:
                items.append(value)
            elif key is not None:
                mapping[key], key = value, None
        return top[0] if top else None

    def _scalar(self, event: ScalarEvent) -> Scalar:
        text = event.value
        try:
            if event.tag is not None:
                value = tagged(event.tag, text)
            elif event.implicit[0]:
                return plain(text)
            else:
                value = text
        except ScalarError as error:
            self._note(event, error.message, error.hint)
            return None
        if self._escapes:
            self._check_usable(event)
        return value

    def _check_key(self, event: ScalarEvent) -> None:
        if event.tag not in (None, "!", CORE + "str"):
            self._note(event, f"the key `{shorten(event.value)}` has a tag", "remove the tag")
        if event.value == "<<" and event.implicit[0]:
            self._note(event, "merge keys (`<<`) are not part of YAML 1.2", "write the keys out")
        if self._escapes:
            self._check_usable(event)

    def _check_usable(self, event: ScalarEvent) -> None:
        if bad := _UNUSABLE.search(event.value):
            message = f"the character U+{ord(bad[0]):04X} is not allowed, not even as an escape"
            self._note(event, message, "remove it")

    def _check_collection_tag(self, tag: str, kind: str, event: Event) -> None:
        if tag not in ("!", CORE + kind):
            shown = tag.replace(CORE, "!!")
            hint = "remove it; quote a value that begins with !"
            self._note(event, f"the tag `{shorten(shown)}` is not allowed", hint)

    def _target(self, event: AliasEvent, anchors: dict[str, _Anchored | None]) -> _Anchored:
        name = event.anchor or ""
        if name not in anchors:
            hint = f"write `&{shorten(name)}` before it; quote a value that begins with `*`"
            self._stop(event, f"the alias `*{shorten(name)}` has no anchor", hint)
        target = anchors[name]
        if target is None:
            self._stop(
                event, f"the alias `*{shorten(name)}` contains itself", "write the value out"
            )
        return target

    def _note(self, event: Event, message: str, hint: str) -> None:
        if len(self._problems) == MAX_PROBLEMS:
            self._stop(event, "more problems follow", "put these right first")
        line, column = place_of(event)
        self._problems.append(Problem(message, hint, path=self._path, line=line, column=column))

    def _stop(self, event: Event, message: str, hint: str) -> NoReturn:
        line, column = place_of(event)
        raise Invalid([Problem(message, hint, path=self._path, line=line, column=column)])


_COMPLEX_KEY = (
    "a key must be text",
    'quote a value that begins with `{`: "{{ … }}"',
)
_TOO_MANY_NODES = (
    f"more than {MAX_NODES:,} values, aliases followed",
    "split it into several files, or write fewer aliases",
)
