"""The settings without which a server may lose or evict a record that it acknowledged (F26)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import redis

from fsm.errors import StateUnavailable
from fsm.stores.redis.url import Address

__all__ = ["OLDEST", "refuse_settings", "replica"]

Ask = Callable[..., Any]
"""Sends one command and gives its reply; raises `redis.ResponseError`."""

OLDEST: Final = 5
"""The first release of Redis that has streams."""

_DURABLE: Final = (
    ("appendonly", "yes", "append*"),
    ("appendfsync", "always", "append*"),
    ("no-appendfsync-on-rewrite", "no", "no-append*"),
)
"""The settings without which an acknowledged record is not on the disk: name, wanted, how to ask for it."""


def refuse_settings(ask: Ask, address: Address) -> None:
    """Raises `StateUnavailable` if an acknowledged record could be lost or evicted here."""
    where, info = address.shown, _info(ask)
    version = info.get("redis_version", "")
    major = version.partition(".")[0]
    if major.isdecimal() and int(major) < OLDEST:
        raise StateUnavailable(
            f"{where}: the server is of version {version}, which has no streams",
            f"use Redis {OLDEST} or newer, or Valkey",
        )
    if info.get("role") == "slave":
        raise replica(where, info.get("master_host", ""))
    if info.get("cluster_enabled") == "1":
        raise StateUnavailable(
            f"{where}: the server is part of a cluster, whose failovers lose acknowledged records",
            "name a server that stands alone, with --state",
        )
    wrong, untold, changes = _compare(_config(ask), info)
    if wrong:
        raise StateUnavailable(
            f"{where}: the server may lose records that it acknowledged: {', '.join(wrong)}",
            f"set on the server: {'; '.join(changes)}; CONFIG REWRITE (or the same in its "
            "configuration file); nothing was written",
        )
    if untold and not address.unchecked:
        raise StateUnavailable(
            f"{where}: the server does not tell whether it keeps what it acknowledged: "
            f"{', '.join(untold)} cannot be read",
            "let this user read them (CONFIG GET), or see to it yourself and say `unchecked=yes` in the "
            "URL: then what the server loses or evicts is lost; nothing was written",
        )


def _compare(
    config: dict[str, str], info: dict[str, str]
) -> tuple[list[str], list[str], list[str]]:
    """The settings that are wrong, those that cannot be told, and the commands that mend the wrong ones."""
    wrong, untold, changes = [], [], []
    told = dict(config)
    if "aof_enabled" in info:
        told.setdefault("appendonly", "yes" if info["aof_enabled"] == "1" else "no")
    for name in ("maxmemory", "maxmemory-policy"):
        if name.replace("-", "_") in info:
            told.setdefault(name, info[name.replace("-", "_")])
    wanted = [(name, value) for name, value, _ in _DURABLE]
    if told.get("maxmemory") != "0":
        wanted.append(("maxmemory-policy", "noeviction"))
    for name, value in wanted:
        if name not in told:
            untold.append(name)
        elif told[name] != value:
            wrong.append(f"{name} is {told[name]}")
            changes.append(f"CONFIG SET {name} {value}")
    return wrong, untold, changes


def _info(ask: Ask) -> dict[str, str]:
    """The facts of `INFO`, as far as they are told."""
    try:
        lines = bytes(ask("INFO")).decode(errors="replace").splitlines()
    except redis.ResponseError:
        return {}
    return dict(line.split(":", 1) for line in lines if ":" in line and not line.startswith("#"))


def _config(ask: Ask) -> dict[str, str]:
    """The settings that matter, as far as they are told: managed servers forbid the question."""
    config: dict[str, str] = {}
    for pattern in sorted({"maxmemory*", *(pattern for _, _, pattern in _DURABLE)}):
        try:
            cells = [bytes(cell).decode(errors="replace") for cell in ask("CONFIG", "GET", pattern)]
        except redis.ResponseError:
            continue
        config.update(zip(cells[::2], cells[1::2], strict=False))
    return config


def replica(where: str, primary: str) -> StateUnavailable:
    """The server only repeats what another one (`primary`, if it tells) is told."""
    of = f" of {primary}" if primary else ""
    return StateUnavailable(
        f"{where}: the server is a replica{of}, and takes no writes",
        "name the primary with --state",
    )
