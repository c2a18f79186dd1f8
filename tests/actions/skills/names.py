"""Names of hosts that resolve as a test says."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import pytest

__all__ = ["Resolve", "resolve"]

Resolve = Callable[..., list[str]]


@pytest.fixture
def resolve(monkeypatch: pytest.MonkeyPatch) -> Resolve:
    """Makes names below `.example` resolve to these addresses, one list a lookup, and then not at all.

    Gives the names that are looked up.
    """

    def told(*answers: list[str]) -> list[str]:
        real = socket.getaddrinfo
        left = list(answers)
        lookups: list[str] = []

        def getaddrinfo(host: Any, port: Any, *rest: Any, **more: Any) -> Any:
            if isinstance(host, bytes):
                host = host.decode()
            if not str(host).endswith(".example"):
                return real(host, port, *rest, **more)
            lookups.append(host)
            if not left:
                raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
            return [
                (socket.AF_INET, socket.SOCK_STREAM, 6, "", (text, port)) for text in left.pop(0)
            ]

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
        return lookups

    return told
