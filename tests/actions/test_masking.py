"""No byte of a secret leaves, however the output is cut (I22, F65)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fsm.actions.output.masking import Masker, forms

# Few letters make secrets overlap, repeat and begin within each other. A `*` would be like the mask.
letters = st.sampled_from([b"a", b"b", b"c", b"\xff"])
secret = st.lists(letters, min_size=1, max_size=6).map(b"".join)
secret_lists = st.lists(secret, min_size=1, max_size=4)


@st.composite
def pieces(draw: st.DrawFn) -> tuple[list[bytes], list[bytes]]:
    secrets = draw(secret_lists)
    parts = draw(st.lists(st.one_of(st.sampled_from(secrets), secret), max_size=12))
    text = b"".join(parts)
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=8)))
    ends = [*cuts, len(text)]
    return secrets, [text[a:b] for a, b in zip([0, *cuts], ends, strict=True)]


def streamed(secrets: Sequence[bytes], chunks: Sequence[bytes]) -> bytes:
    masker = Masker(secrets)
    return b"".join([*(masker.feed(chunk) for chunk in chunks), masker.flush()])


def chunk_by_chunk(secrets: Sequence[bytes], chunks: Sequence[bytes]) -> bytes:
    """The obvious way, and wrong."""
    out = b""
    for chunk in chunks:
        for each in secrets:
            chunk = chunk.replace(each, b"***")
        out += chunk
    return out


def check(mask: Callable[[Sequence[bytes], Sequence[bytes]], bytes], secrets: Sequence[bytes],
          chunks: Sequence[bytes]) -> None:  # fmt: skip
    """The specification: leftmost first, of several there the longest; and nothing shows."""
    longest_first = sorted(set(secrets), key=len, reverse=True)
    whole = re.sub(b"|".join(map(re.escape, longest_first)), b"***", b"".join(chunks))
    masked = mask(secrets, chunks)
    assert masked == whole
    assert not [each for each in secrets if each in masked]


@given(pieces())
@example(([b"ab", b"bcd"], [b"a", b"bcd"]))
@example(([b"abc", b"abcabd"], [b"abcab", b"c"]))
def test_any_cutting_of_any_output_is_masked_as_the_whole(
    example: tuple[list[bytes], list[bytes]],
) -> None:
    check(streamed, *example)


def test_the_check_catches_masking_chunk_by_chunk() -> None:
    with pytest.raises(AssertionError):
        check(chunk_by_chunk, [b"hunter2"], [b"my hunt", b"er2"])
    with pytest.raises(AssertionError):
        check(chunk_by_chunk, [b"abc", b"abcdef"], [b"abcdef"])


@given(pieces())
def test_nothing_is_held_back_but_what_may_become_a_secret(
    example: tuple[list[bytes], list[bytes]],
) -> None:
    secrets, chunks = example
    masker = Masker(secrets)
    shown = b"".join([masker.feed(chunk) for chunk in chunks])
    text = b"".join(chunks)
    beginnings = {each[:n] for each in forms(secrets) for n in range(len(each))}
    splits = [(text[:n], text[n:]) for n in range(len(text) + 1)]
    assert any(Masker(secrets).mask(a) == shown and b in beginnings for a, b in splits)


def test_without_secrets_pieces_pass_as_they_are() -> None:
    piece = b"x" * 100
    assert Masker().feed(piece) is piece
    assert Masker([b"", b" \n"]).feed(piece) is piece


def test_each_long_line_of_a_secret_is_masked_and_the_white_space_around_it_is_not_needed() -> None:
    masker = Masker([b"-- BEGIN --\n  8letters\n7letter\n", b"token\n"])
    assert masker.mask(b"x 8letters 7letter -- BEGIN -- token") == b"x *** 7letter *** ***"


def test_a_secret_as_long_as_many_pieces_is_masked() -> None:
    secret = bytes(range(1, 250)) * 20
    chunks = [secret[n : n + 7] for n in range(0, len(secret), 7)]
    assert streamed([secret], [b"<", *chunks, b">"]) == b"<***>"
