"""What actions need, looked for before anything happens."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fsm.actions.command import Programs
from fsm.actions.net.addresses import looked_up
from fsm.errors import Problem

if TYPE_CHECKING:
    from fsm.engine.ports import Aspect, Inspection
    from fsm.plan.skill import Needs

__all__ = ["Surroundings"]

_PATIENCE_SECONDS = 5.0
_PROXIES = ("all_proxy", "http_proxy", "https_proxy")


class Surroundings:
    """Where actions find what they need. A program or a host is looked for once, however many need it."""

    def __init__(self, programs: Programs | None = None) -> None:
        self._programs = programs or Programs()
        self._hosts: dict[str, str] = {}

    async def missing(self, needs: Needs, cwd: Path, env: Mapping[str, str]) -> Inspection:
        """What of these needs is not here. Aspects of which nothing is needed are left out."""
        found: dict[Aspect, list[Problem]] = {}
        if needs.commands or needs.env or needs.secrets:
            found["permissions"] = self._permissions(needs, cwd, env)
        if needs.files:
            found["targets"] = [
                Problem(
                    f"{cwd / name} does not exist",
                    "make it, or mend the skill's `needs`",
                    lacks=str(cwd / name),
                )
                for name in needs.files
                if not os.path.exists(cwd / name)  # noqa: PTH110 (of what we may not reach, Path raises)
            ]
        # Behind a proxy, what this machine itself can reach says nothing.
        if needs.hosts and not any(env.get(name) or env.get(name.upper()) for name in _PROXIES):
            told = found.setdefault("targets", [])
            for host in needs.hosts:
                if words := await self._unreachable(host):
                    hint = "mend its name, or the network here"
                    told.append(Problem(f"the host {host} cannot be reached: {words}", hint))
        return found

    def _permissions(self, needs: Needs, cwd: Path, env: Mapping[str, str]) -> list[Problem]:
        return [
            *(
                Problem(f"the command `{name}` is not found", "install it, or mend PATH")
                for name in needs.commands
                if not self._programs.has(name, cwd, env)
            ),
            *(
                Problem(f"the environment variable {name} is not set", f"set it: export {name}=…")
                for name in needs.env
                if name not in env
            ),
            *(
                Problem(f"the secret {name} is not set", f"set it with: export {name}=…")
                for name in needs.secrets
                if not env.get(name)
            ),
        ]

    async def _unreachable(self, host: str) -> str:
        if host not in self._hosts:
            self._hosts[host] = await _look_up(host)
        return self._hosts[host]


async def _look_up(host: str) -> str:
    """Why the host, as `NAME` or `NAME:PORT`, is out of reach; "" if its name is known and its port open."""
    name, _, port = host.partition(":")
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            addresses = await looked_up(name, int(port or 0))
            if port:
                await _connect(addresses, int(port))
    except TimeoutError:
        return f"it did not answer within {_PATIENCE_SECONDS:g} s"
    except (OSError, ValueError) as error:
        return (error.strerror if isinstance(error, OSError) else None) or str(error)
    return ""


async def _connect(addresses: Sequence[str], port: int) -> None:
    """Connect to the first that takes it, and leave. Raises the `OSError` of the last one."""
    for address in addresses:
        try:
            _, writer = await asyncio.open_connection(address, port)
        except OSError:
            if address == addresses[-1]:
                raise
        else:
            writer.close()
            return
