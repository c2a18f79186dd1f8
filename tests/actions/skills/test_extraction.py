"""What is taken out of an answer, for every answer and every place in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from fsm.actions.net.exchange import Answer
from fsm.actions.net.extraction import extracted, found_at
from fsm.actions.python.skill import ActionFailed

PLAIN = some.none() | some.booleans() | some.integers() | some.text()
DOCUMENTS = some.recursive(
    PLAIN, lambda inner: some.lists(inner) | some.dictionaries(some.text(), inner), max_leaves=20
)


def places(document: Any, *above: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every place of a document, as keys and indices, with what stands there."""
    yield above, document
    if isinstance(document, dict):
        for key, inner in document.items():
            yield from places(inner, *above, key)
    if isinstance(document, list):
        for index, inner in enumerate(document):
            yield from places(inner, *above, str(index))


@given(DOCUMENTS)
def test_a_json_pointer_finds_every_place(document: Any) -> None:
    for keys, value in places(document):
        pointer = "".join(f"/{key.replace('~', '~0').replace('/', '~1')}" for key in keys)
        assert found_at(document, pointer, "it") == value


@given(DOCUMENTS)
def test_a_dotted_path_finds_every_place_whose_keys_are_plain(document: Any) -> None:
    for keys, value in places(document):
        path = ".".join(keys)
        if all(key and "." not in key for key in keys) and not path.startswith("/"):
            assert found_at(document, path, "it") == value


@given(DOCUMENTS, some.text())
def test_a_path_finds_what_is_there_or_says_that_nothing_is(document: Any, path: str) -> None:
    try:
        found = found_at(document, path, "it")
    except ActionFailed as failed:
        told = str(failed)
    else:
        assert any(value is found or value == found for _, value in places(document))
        return
    assert told.startswith("it has nothing at")


@given(some.binary(), some.text())
def test_no_answer_is_a_defect(body: bytes, path: str) -> None:
    answer = Answer(status=200, headers={}, body=body, request="GET https://a.b")
    with suppress(ActionFailed):
        assert extracted(answer, {"x": path}).keys() == {"x"}
    assert answer.excerpt().isprintable()


@pytest.mark.parametrize("path", ["/-1", "/01", "/1e0", "/+1", "/ 1", "/１"])
def test_only_a_plain_number_is_an_index(path: str) -> None:
    with pytest.raises(ActionFailed):
        found_at(["a", "b"], path, "it")
