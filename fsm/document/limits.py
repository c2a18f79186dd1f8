"""The shapes of plain data, and how much of it one file may hold (RELIABILITY.md, F55 to F60)."""

from __future__ import annotations

from typing import TypeAlias

__all__ = [
    "MAX_ALIASES",
    "MAX_BYTES",
    "MAX_DEPTH",
    "MAX_DIGITS",
    "MAX_NODES",
    "MAX_PROBLEMS",
    "Data",
    "Path",
    "Scalar",
]

Scalar: TypeAlias = bool | int | float | str | None
Data: TypeAlias = "Scalar | list[Data] | dict[str, Data]"

Path: TypeAlias = tuple[str | int, ...]
"""From the top of a document: keys of mappings, indices (from 0) of sequences."""

MAX_BYTES = 8 * 1024 * 1024
MAX_DEPTH = 32
"""Mappings and sequences inside one another, aliases followed."""
MAX_ALIASES = 1_000
MAX_NODES = 1_000_000
"""Scalars, mappings and sequences together, those behind an alias counted at each of its uses."""
MAX_DIGITS = 1_000
"""Characters of one number."""
MAX_PROBLEMS = 100
"""Problems of one kind that are listed; a file with more is not read further."""
