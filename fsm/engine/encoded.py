"""The forms that programs give a value when they hand it on: base64, hexadecimal, URLs, JSON."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from urllib.parse import quote_from_bytes

__all__ = ["encoded"]

_LEAST = 8
"""Shorter forms would be found where nobody has encoded anything."""


def encoded(value: bytes) -> frozenset[bytes]:
    """The value in base64, wherever it stands in what was encoded; in hexadecimal; in a URL; in JSON.

    Of base64 it is what depends on the value alone, whatever stands around it: up to four bits of its first
    and its last byte are in characters that it shares with its neighbours. Forms that are broken into lines
    within the value are not among them, nor are those of less than 8 characters.
    """
    return frozenset(form for form in _forms(value) if len(form) >= _LEAST and form != value)


def _forms(value: bytes) -> Iterator[bytes]:
    for form in (b64encode(value), *(_core(value, before) for before in range(3))):
        yield form
        yield form.translate(_URL_SAFE)
        yield form.translate(_URL_SAFE).rstrip(b"=")
    yield value.hex().encode()
    yield value.hex().upper().encode()
    for safe in ("", "/", "-._~!$&'()*+,;=:@/"):
        in_url = quote_from_bytes(value, safe=safe).encode()
        yield in_url
        yield in_url.replace(b"%20", b"+")
        yield _lower_escapes(in_url)
    text = value.decode(errors="surrogateescape")
    for is_ascii in (True, False):
        yield json.dumps(text, ensure_ascii=is_ascii)[1:-1].encode(errors="surrogateescape")


def _core(value: bytes, before: int) -> bytes:
    """What base64 makes of the value after so many bytes, without the characters that others share."""
    first = (before * 8 + 5) // 6
    end = (before + len(value)) * 8 // 6
    return b64encode(bytes(before) + value)[first:end]


def _lower_escapes(in_url: bytes) -> bytes:
    head, *rest = in_url.split(b"%")
    return b"%".join([head, *(part[:2].lower() + part[2:] for part in rest)])


_URL_SAFE = bytes.maketrans(b"+/", b"-_")
