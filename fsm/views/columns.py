"""Rows of text in columns that fit a width."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest

from fsm.views.cells import cells, padded, wrap
from fsm.views.text import shown

__all__ = ["columns", "widths_of"]

GAP = 2
NARROWEST = 12


def columns(
    rows: Sequence[Sequence[str]], width: int, widths: Sequence[int] | None = None
) -> Iterator[str]:
    """The lines of the rows; too long cells are wrapped. `widths`: those of other rows, see `widths_of`."""
    given = widths or widths_of(rows, width)
    for row in rows:
        wrapped = [wrap(shown(cell), room) for cell, room in zip(row, given, strict=True)]
        for line in zip_longest(*wrapped, fillvalue=""):
            aligned = [padded(cell, room) for cell, room in zip(line, given, strict=True)]
            yield (" " * GAP).join(aligned).rstrip()


def widths_of(rows: Iterable[Sequence[str]], width: int) -> list[int]:
    """The widest cell of each column; where they are too wide together, the widest columns give way."""
    widths = [max(map(cells, map(shown, column))) for column in zip(*rows, strict=True)]
    room = width - GAP * (len(widths) - 1)
    while widths and sum(widths) > room and max(widths) > NARROWEST:
        widths[widths.index(max(widths))] -= 1
    return widths
