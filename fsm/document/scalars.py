"""Scalars by the core schema of YAML 1.2, except that `012` is text (F58)."""

from __future__ import annotations

import math
import re

from fsm.document.limits import MAX_DIGITS, Scalar

__all__ = ["CORE", "ScalarError", "plain", "shorten", "tagged"]

CORE = "tag:yaml.org,2002:"

_WORDS: dict[str, Scalar] = {
    "": None,
    **dict.fromkeys(["~", "null", "Null", "NULL"]),
    **dict.fromkeys(["true", "True", "TRUE"], True),
    **dict.fromkeys(["false", "False", "FALSE"], False),
}
_NUMBER_STARTS = frozenset("+-.0123456789")
_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_OCTAL = re.compile(r"0o[0-7]+")
_HEX = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NO_NUMBER = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")


class ScalarError(ValueError):
    """A scalar that is refused: the message, then the hint."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def plain(text: str) -> Scalar:
    """The value of a scalar that stands without quotes. Raises ScalarError for what JSON lacks."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _NUMBER_STARTS:
        return text
    number = _number(text)
    return text if number is None else number


def tagged(tag: str, text: str) -> Scalar:
    """The value of a scalar with an explicit tag, full (`tag:yaml.org,2002:int`) or `!`.

    Raises ScalarError when the tag is not of the core schema, or `text` is not what the tag says.
    """
    kind = tag.removeprefix(CORE)
    if tag == "!" or kind == "str":
        return text
    if tag == kind or kind not in _KINDS:
        shown = f"!!{kind}" if tag != kind else tag
        raise ScalarError(
            f"the tag `{shorten(shown)}` is not allowed",
            "remove it; quote a value that begins with !",
        )
    value = plain(text)
    if kind == "float" and type(value) is int:
        try:
            return float(value)
        except OverflowError:
            raise ScalarError(f"`{shorten(text)}` is too large", "quote it") from None
    if type(value) is not _KINDS[kind]:
        raise ScalarError(
            f"`{shorten(text)}` is not what its tag `!!{kind}` says", "remove the tag"
        )
    return value


_KINDS: dict[str, type] = {"null": type(None), "bool": bool, "int": int, "float": float}


def shorten(text: str) -> str:
    """`text` on one line of at most 40 characters, for a message."""
    text = " ".join(text.split())
    return text if len(text) <= 40 else f"{text[:37]}..."


def _number(text: str) -> int | float | None:
    if _INT.fullmatch(text):
        return int(_bounded(text))
    if _FLOAT.fullmatch(text):
        value = float(_bounded(text))
        if math.isinf(value):
            raise ScalarError(
                f"the number `{shorten(text)}` is too large", "quote it to keep it as text"
            )
        return value
    if _HEX.fullmatch(text):
        return int(_bounded(text), 16)
    if _OCTAL.fullmatch(text):
        return int(_bounded(text), 8)
    if _NO_NUMBER.fullmatch(text):
        raise ScalarError(f"`{text}` is no finite number", "quote it to keep it as text")
    return None


def _bounded(text: str) -> str:
    if len(text) > MAX_DIGITS:
        raise ScalarError(
            f"a number of {len(text)} characters is too long (at most {MAX_DIGITS})",
            "quote it to keep it as text",
        )
    return text
