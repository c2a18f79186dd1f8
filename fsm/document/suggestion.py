"""The question that helps a person who mistyped a name."""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["suggest"]


def suggest(word: str, known: Iterable[str]) -> str:
    """A question such as "did you mean `depends_on`?", or "" when nothing known is like `word`.

    Case, `-`, `_` and spaces count for nothing: `DependsOn` is `depends_on`.
    """
    # Only a wrong file needs it, so only a wrong file pays for its import.
    import difflib

    by_shape = {_shape(name): name for name in known}
    near = difflib.get_close_matches(_shape(word), by_shape, n=1)
    return f"did you mean `{by_shape[near[0]]}`?" if near else ""


def _shape(name: str) -> str:
    return re.sub(r"[-_ ]", "", name).lower()
