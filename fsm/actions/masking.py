"""Taking secret values out of bytes that come in pieces (I22)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

__all__ = ["MASK", "Masker"]

MASK = b"***"
_LEAST_LINE = 8


class Masker:
    """Replaces secrets by `***` in one stream: however it is cut, the same bytes come out.

    Of several secrets that begin at one place the longest is taken, and the leftmost first. A secret is
    masked without the white space around it too, and of one with several lines also each line of at least
    8 bytes. Blank secrets are ignored. Encoded forms (base64, hex, quoted) are not recognised.
    """

    __slots__ = ("_held", "_longest", "_pattern", "_secrets")

    def __init__(self, secrets: Sequence[bytes] = ()) -> None:
        self._secrets, self._pattern = _prepared(tuple(secrets)) if secrets else ((), _NOTHING)
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
        if any(secret in data for secret in self._secrets):
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
        held, self._held = self._held, b""
        return self.mask(held)

    def mask(self, whole: bytes) -> bytes:
        """These bytes, masked; the stream is not touched."""
        return self._pattern.sub(MASK, whole) if self._secrets else whole

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


_NOTHING = re.compile(rb"(?!)")


@lru_cache(maxsize=32)
def _prepared(secrets: tuple[bytes, ...]) -> tuple[tuple[bytes, ...], re.Pattern[bytes]]:
    """All that is to be masked, longest first, and the pattern that finds it."""
    values: set[bytes] = set()
    for secret in secrets:
        values |= {secret, secret.strip()} if secret.strip() else set()
        lines = [line.strip() for line in secret.splitlines()]
        values.update(line for line in lines if len(line) >= _LEAST_LINE)
    ordered = tuple(sorted(values, key=lambda value: (-len(value), value)))
    return ordered, re.compile(b"|".join(map(re.escape, ordered))) if ordered else _NOTHING
