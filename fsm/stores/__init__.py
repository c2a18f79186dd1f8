"""Where runs live. A store is named by a URL: `sqlite:PATH`, `json:PATH`, `redis://HOST:PORT/DB`, or
`memory:` for this process only.

The classes of stores are loaded when they are first asked for: a command needs one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fsm.errors import Invalid, Problem

if TYPE_CHECKING:
    from pathlib import Path

    from fsm.engine.ports import Store
    from fsm.stores.jsonl.store import JsonStore
    from fsm.stores.memory import MemoryStore
    from fsm.stores.redis.store import RedisStore
    from fsm.stores.sqlite.store import SqliteStore

__all__ = ["JsonStore", "MemoryStore", "RedisStore", "SqliteStore", "open_store"]

_KNOWN = "`sqlite:PATH`, `json:PATH`, `redis://HOST:PORT/DB` or `memory:`"


def open_store(url: str, folder: Path | None = None) -> Store:
    """The store that the URL names; nothing is read or made yet. Raises `Invalid`.

    `folder` is where this machine keeps what it knows of a store that is elsewhere; `.fsm` if not given.
    """
    scheme, colon, rest = url.partition(":")
    if scheme == "sqlite" and rest and "\0" not in rest:
        from pathlib import Path

        from fsm.stores.sqlite.store import SqliteStore

        return SqliteStore(Path(rest).expanduser())
    if scheme == "json" and rest and "\0" not in rest:
        from pathlib import Path

        from fsm.stores.jsonl.store import JsonStore

        return JsonStore(Path(rest).expanduser())
    if scheme in ("redis", "rediss", "unix"):
        from fsm.stores.redis.url import parse

        address = parse(url)
        return _redis_store(address.shown)(address, folder)
    if url == "memory:":
        from fsm.stores.memory import MemoryStore

        return MemoryStore()
    raise Invalid([_problem(url, scheme if colon else "")])


def _problem(url: str, scheme: str) -> Problem:
    if scheme in ("sqlite", "json", "memory"):
        return Problem(f"the state {url!r} is not of the form {_KNOWN}")
    if scheme and "/" not in scheme:
        return Problem(f"no store is called `{scheme}`", f"known are {_KNOWN}")
    return Problem(f"the state {url!r} names no kind of store", f"write `sqlite:{url or 'PATH'}`")


def _redis_store(shown: str) -> type[RedisStore]:
    try:
        from fsm.stores.redis.store import RedisStore
    except ModuleNotFoundError as missing:
        if missing.name != "redis":
            raise
        problem = Problem(f"the state {shown} needs the library `redis`, which is not installed")
        raise Invalid([problem], "install it: pip install 'fsm[redis]'") from None
    return RedisStore


def __getattr__(name: str) -> Any:
    if name == "RedisStore":
        return _redis_store("redis://…")
    if name == "SqliteStore":
        from fsm.stores.sqlite.store import SqliteStore

        return SqliteStore
    if name == "JsonStore":
        from fsm.stores.jsonl.store import JsonStore

        return JsonStore
    if name == "MemoryStore":
        from fsm.stores.memory import MemoryStore

        return MemoryStore
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
