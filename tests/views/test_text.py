"""Text from anywhere is shown on one line, and cannot act or hide."""

from __future__ import annotations

import unicodedata

from fsm.views.text import listed, shown


def test_every_character_that_acts_or_hides_is_escaped_and_no_other() -> None:
    for code in (*range(0x3100), *range(0xD7A0, 0xE100), *range(0xFB00, 0x10100), 0x1F600):
        character = chr(code)
        acts = unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")
        hides = code in (0x061C, 0xFEFF, *range(0x200B, 0x2010), *range(0x202A, 0x202F))
        told = acts or hides or code in range(0x2060, 0x2070)
        assert (shown(f"a{character}b") != f"a{character}b") == told, hex(code)


def test_what_is_escaped_can_be_read() -> None:
    assert shown("a\nb\tc\rd\x1be\u202ef\udcff") == "a\\nb\\tc\\rd\\x1be\\u202ef\\udcff"
    assert shown("größer ✓ 日本\xa0x") == "größer ✓ 日本\xa0x"


def test_of_many_steps_the_first_are_named_and_the_rest_counted() -> None:
    assert listed(["a", "b"]) == "a, b"
    assert listed([f"s{n}" for n in range(900)], most=3) == "s0, s1, s2 and 897 more"
