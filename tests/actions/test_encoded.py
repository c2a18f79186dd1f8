"""A secret is masked in the forms that programs give it, wherever it stands in what they encode (F65)."""

from __future__ import annotations

import base64
import binascii
import json
import time
import urllib.parse
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsm.actions.output.masking import Masker, forms

SECRET = b"hunter2/\xc3\xa4+ ?\"'\\&7"
ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "base64": base64.b64encode,
    "base64 for URLs": base64.urlsafe_b64encode,
    "base64 for URLs, unpadded": lambda raw: base64.urlsafe_b64encode(raw).rstrip(b"="),
    "hexadecimal": binascii.hexlify,
    "HEXADECIMAL": lambda raw: binascii.hexlify(raw).upper(),
    "URL": lambda raw: urllib.parse.quote_from_bytes(raw, safe="").encode(),
    "URL path": lambda raw: urllib.parse.quote_from_bytes(raw).encode(),
    "form": lambda raw: urllib.parse.quote_plus(raw).encode(),
    "url": lambda raw: urllib.parse.quote_from_bytes(raw, safe="").lower().encode(),
    "JSON": lambda raw: json.dumps(raw.decode()).encode(),
    "JSON in UTF-8": lambda raw: json.dumps(raw.decode(), ensure_ascii=False).encode(),
}  # fmt: skip


@pytest.mark.parametrize("name", ENCODERS)
@pytest.mark.parametrize("before", ["", "a", "ab", "user:", "Basic user:"])
@pytest.mark.parametrize("after", ["", "x", "yz", "\n"])
def test_a_secret_is_masked_in_each_form_and_however_the_output_is_cut(
    name: str, before: str, after: str
) -> None:
    text = b"<" + ENCODERS[name](before.encode() + SECRET + after.encode()) + b">"
    masked = Masker([SECRET]).mask(text)
    assert b"***" in masked
    assert not [form for form in forms([SECRET]) if form in masked]
    masker = Masker([SECRET])
    pieces = [masker.feed(text[n : n + 1]) for n in range(len(text))]
    assert b"".join([*pieces, masker.flush()]) == masked


distinct = st.lists(st.integers(33, 126), unique=True, min_size=12, max_size=40).map(bytes)


@given(st.binary(max_size=7), distinct, st.binary(max_size=7))
def test_of_base64_only_the_characters_that_others_share_remain(
    before: bytes, secret: bytes, after: bytes
) -> None:
    whole = base64.b64encode(before + secret + after)
    left, mask, right = Masker([secret]).mask(whole).partition(b"***")
    assert mask
    assert len(left) <= -(-len(before) * 8 // 6)
    assert len(right) <= len(whole) - len(before + secret) * 8 // 6


@pytest.mark.parametrize("text", [b"YWJj", b"616263", b"a%2Fb", b"the abacus"])
def test_forms_of_less_than_eight_characters_are_let_be(text: bytes) -> None:
    assert Masker([b"a/b", b"abc"]).mask(text) == text


def test_a_plain_secret_adds_few_searches() -> None:
    masker = Masker([b"canary-7f3a9c51e2"])
    assert len(masker._needles) <= 7


def test_looking_for_encoded_forms_costs_a_few_times_what_looking_for_the_secret_does() -> None:
    text = b"".join(
        b"%06d the quick brown fox jumps over the lazy dog /usr/lib\n" % n for n in range(1100)
    )

    def seconds(work: Callable[[], object]) -> float:
        return min(_timed(work) for _ in range(7))

    masker = Masker([b"canary-7f3a9c51e2"])
    bare = seconds(lambda: [b"canary-7f3a9c51e2" in text for _ in range(20)])
    whole = seconds(lambda: [masker.feed(text) for _ in range(20)])
    assert whole < 25 * bare


def _timed(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began
