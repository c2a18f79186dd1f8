"""Versions of stored records, and the functions that bring one from each version to the next.

A record is never rewritten: it is brought up when it is read. Whatever an older fsm could not read, such as
one field more, is a new version: so that it says so, and does not take the journal for damaged.
`tests/engine/samples` has a journal of each version before this one, and `tests/engine/test_versions.py` the
fields of this one. Records of a version that is not known here were written by a newer fsm, and are refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pydantic import JsonValue

__all__ = ["VERSION", "bring_up"]

Fields = dict[str, "JsonValue"]

VERSION: Final = 3
"""The version of the records that are written."""


def _to_2(kind: str, fields: Fields) -> Fields:
    """`RunResumed` may send several steps back: `from_steps`, a list."""
    if kind == "RunResumed" and "from_step" in fields:
        others = {name: value for name, value in fields.items() if name != "from_step"}
        return {**others, "from_steps": [fields["from_step"]]}
    return fields


def _to_3(kind: str, fields: Fields) -> Fields:  # noqa: ARG001 - of every step between versions
    """`StepProbed` may tell outputs, and `RunCreated` the plan's folder: what says neither is as it was."""
    return fields


_UPGRADES: Mapping[int, Callable[[str, Fields], Fields]] = {1: _to_2, 2: _to_3}


def bring_up(version: int, kind: str, fields: Fields) -> Fields:
    """The fields of an event of `kind` as this version writes them, from those of an older one."""
    while version < VERSION:
        fields = _UPGRADES[version](kind, fields)
        version += 1
    return fields
