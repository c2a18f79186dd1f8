"""A store of each kind in a folder; of Redis with a server of its own, which is started for it and ended."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["BACKENDS", "placed"]

BACKENDS = ("sqlite", "json", "redis")


@contextmanager
def placed(kind: str, folder: Path) -> Iterator[str]:
    """The URL of an empty store."""
    if kind != "redis":
        yield f"{kind}:{folder / ('state.db' if kind == 'sqlite' else 'state')}"
        return
    sys.path.append(str(Path(__file__).parents[2]))
    from tests.stores.server import Server

    server = Server(folder / "server").start()
    try:
        yield server.url
    finally:
        server.end()
