"""The stores whose runs are killed. A case is led in a folder of its own, and its state lies there.

A backend that comes to this (a server: started for the folder, ended with it) needs a place here, the points
between its durable writes in `watched.py`, and its own lines in `sample.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

__all__ = ["BACKENDS", "Place"]

Place = Callable[[Path], AbstractContextManager[str]]
"""Makes ready what a store in that folder needs, and gives its URL."""


@contextmanager
def _sqlite(folder: Path) -> Iterator[str]:
    yield f"sqlite:{folder / 'state.db'}"


@contextmanager
def _json(folder: Path) -> Iterator[str]:
    yield f"json:{folder / 'state'}"


BACKENDS: Mapping[str, Place] = {"sqlite": _sqlite, "json": _json}
"""By name, the one that a case means which names none first."""
