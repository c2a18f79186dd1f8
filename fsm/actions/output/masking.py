"""Taking secret values out of bytes that come in pieces (I22)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TypeAlias

__all__ = ["MASK", "Masker", "forms"]

MASK = b"***"
_LEAST_LINE = 8


class Masker:
    """Replaces secrets by `***` in one stream: however it is cut, the same bytes come out.

    Of several secrets that begin at one place the longest is taken, and the leftmost first. A secret is
    masked without the white space around it too, and of one with several lines also each line of at least
    8 bytes. So are the forms that programs give it (`fsm.engine.encoded`). Blank secrets are ignored.
    """

    __slots__ = ("_held", "_longest", "_needles", "_pattern", "_secrets")

    def __init__(self, secrets: Sequence[bytes] = ()) -> None:
        prepared = _prepared(tuple(secrets)) if secrets else _NOTHING
        self._secrets, self._needles, self._pattern = prepared
        self._longest = len(self._secrets[0]) if self._secrets else 0
        self._held = b""

    def feed(self, piece: bytes) -> bytes:
        """The next piece, masked. Held back is only an end that may be the beginning of a secret."""
        if not self._secrets:
            return piece
        data = self._held + piece
        # From `cut` on stands what may become a secret. A match that begins before it is whole, and no
        # longer one can begin there; but it may reach beyond, and then the rest is looked at again.
        position, cut = 0, self._beginning_of_secret(data, 0)
        out: list[bytes] = []
        # Searching for plain bytes is much faster than for a choice of them, and mostly finds nothing.
        if any(needle in data for needle in self._needles):
            for match in self._pattern.finditer(data):
                if match.start() >= cut:
                    break
                out += (data[position : match.start()], MASK)
                position = match.end()
                if position > cut:
                    cut = self._beginning_of_secret(data, position)
        out.append(data[position:cut])
        self._held = data[cut:]
        return b"".join(out)

    def flush(self) -> bytes:
        """The end of the stream: what was held back, masked."""
        if not self._held:
            return b""
        held, self._held = self._held, b""
        return self.mask(held)

    def mask(self, whole: bytes) -> bytes:
        """These bytes, masked; the stream is not touched."""
        if any(needle in whole for needle in self._needles):
            return self._pattern.sub(MASK, whole)
        return whole

    def _beginning_of_secret(self, data: bytes, start: int) -> int:
        """The first index from `start` on where a secret begins that the data cuts off; else the end."""
        first = max(start, len(data) - self._longest + 1)
        best = len(data)
        for secret in self._secrets:
            index = max(first, len(data) - len(secret) + 1)
            while (index := data.find(secret[:1], index, best)) >= 0:
                if secret.startswith(data[index:]):
                    best = index
                    break
                index += 1
        return best


_Prepared: TypeAlias = tuple[tuple[bytes, ...], tuple[bytes, ...], re.Pattern[bytes]]

_NOTHING: _Prepared = ((), (), re.compile(rb"(?!)"))


@lru_cache(maxsize=32)
def _prepared(secrets: tuple[bytes, ...]) -> _Prepared:
    """All that is to be masked, longest first; what any of them holds for sure; and what finds them."""
    ordered = tuple(sorted(forms(secrets), key=lambda value: (-len(value), value)))
    if not ordered:
        return _NOTHING
    needles: list[bytes] = []
    for form in reversed(ordered):
        if not any(needle in form for needle in needles):
            needles.append(form)
    return ordered, tuple(needles), re.compile(b"|".join(map(re.escape, ordered)))


def forms(secrets: Iterable[bytes]) -> frozenset[bytes]:
    """All that is masked for these secrets."""
    from fsm.engine.encoded import encoded

    values: set[bytes] = set()
    for secret in secrets:
        if core := secret.strip():
            values |= {secret, core} | encoded(core)
        lines = [line.strip() for line in secret.splitlines()]
        values.update(line for line in lines if len(line) >= _LEAST_LINE)
    return frozenset(values)
