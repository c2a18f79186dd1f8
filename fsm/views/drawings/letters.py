"""How wide a text is in Helvetica, whose measures Arial, Arimo and Liberation Sans share.

A picture is laid out with these measures; who looks at it may have another font, in which the same text is
wider than its box unless the picture says how wide it is to be. From Adobe's font metrics, in thousandths of
the size, for the characters from the space to the tilde.
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["text_width"]

_PLAIN = """
278 278 355 556 556 889 667 191 333 333 389 584 278 333 278 278
556 556 556 556 556 556 556 556 556 556 278 278 584 584 584 556
1015 667 667 722 722 667 611 778 722 278 500 667 556 833 722 778
667 778 722 667 611 722 667 944 667 667 611 278 278 278 469 556
333 556 556 500 556 556 278 556 556 222 222 500 222 833 556 556
556 556 333 500 278 556 500 722 500 500 500 334 260 334 584
"""
_BOLD = """
278 333 474 556 556 889 722 238 333 333 389 584 278 333 278 278
556 556 556 556 556 556 556 556 556 556 333 333 584 584 584 611
975 722 722 722 722 667 611 778 722 278 556 722 611 833 722 778
667 778 722 667 611 722 667 944 667 667 611 333 278 333 584 556
333 556 611 556 611 556 333 611 611 278 278 556 278 889 611 611
611 611 389 556 333 611 556 778 556 556 500 389 280 389 584
"""


def _widths(table: str) -> Mapping[str, int]:
    letters = {chr(code): int(width) for code, width in enumerate(table.split(), 32)}
    return letters | {
        "\u00a0": letters[" "],
        "…": 833,
    }  # a blank that stays, and as Graphviz counts it


_WIDTHS = {False: _widths(_PLAIN), True: _widths(_BOLD)}


def text_width(text: str, size: float, *, bold: bool = False) -> float | None:
    """How wide the text is, in the unit of `size`; None if a character is not in the table."""
    letters = _WIDTHS[bold]
    try:
        return sum(letters[char] for char in text) * size / 1000
    except KeyError:
        return None
