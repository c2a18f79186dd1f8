"""The stores whose runs are killed. A case is led in a folder of its own, and its state lies there.

Another backend needs a place here, the points between its durable writes in `watched.py`, and lines of its
own in `sweep.py` and `sample.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from tests.stores.server import Server

from .reaper import living_on

__all__ = ["BACKENDS", "Place"]

Place = Callable[[Path], AbstractContextManager[str]]
"""Makes ready what a store in that folder needs, and gives its URL."""


@contextmanager
def _sqlite(folder: Path) -> Iterator[str]:
    yield f"sqlite:{folder / 'state.db'}"


@contextmanager
def _json(folder: Path) -> Iterator[str]:
    yield f"json:{folder / 'state'}"


@contextmanager
def _redis(folder: Path) -> Iterator[str]:
    server = Server(folder / "server").start()
    try:
        with living_on(server.pid):
            yield server.url
    finally:
        server.end()


BACKENDS: Mapping[str, Place] = {"sqlite": _sqlite, "json": _json, "redis": _redis}
"""By name, the one that a case means which names none first."""
