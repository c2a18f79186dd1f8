"""What the skill `wait-for` looks at: whether something is so now, and why not."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from subprocess import DEVNULL, STDOUT, Popen
from tempfile import TemporaryFile
from typing import Final

from fsm.actions.net.addresses import AddressRefused, Network
from fsm.actions.net.values import Headers
from fsm.actions.output.text import one_line
from fsm.actions.python.skill import ActionFailed, Context

__all__ = [
    "ATTEMPT_SECONDS",
    "Looks",
    "looks_at_command",
    "looks_at_file",
    "looks_at_port",
    "looks_at_url",
]

ATTEMPT_SECONDS: Final = 10.0
_MOST_OUTPUT: Final = 400

Looks = Callable[[], Awaitable[str]]
"""Looks once: "" if it is so, else why it is not yet."""


def looks_at_port(host: str, port: int, network: Network) -> Looks:
    """Whether a server takes connections there. Raises `AddressRefused`, as does `looks_at_url`."""
    from fsm.actions.net.connecting import connect

    async def looks() -> str:
        try:
            async with asyncio.timeout(ATTEMPT_SECONDS):
                await connect(host, port, network)
        except AddressRefused:
            raise
        except (ActionFailed, TimeoutError) as error:
            return str(error) or f"{host}:{port} takes no connection"
        return ""

    return looks


def looks_at_url(
    url: str, context: Context, headers: Headers | None, expect: frozenset[int], network: Network
) -> Looks:
    """Whether a server answers with an expected status."""
    from fsm.actions.net.exchange import Request, Web

    request = Request(method="GET", url=url, headers=headers or {})

    async def looks() -> str:
        web = Web(env=context.env, network=network, timeout_seconds=ATTEMPT_SECONDS, retries=0)
        try:
            async with web:
                answer = await web.send(request)
        except AddressRefused:
            raise
        except ActionFailed as error:
            return str(error)
        return "" if answer.status in expect else f"{answer.request} gives {answer.status}"

    return looks


def looks_at_file(path: Path, until: str) -> Looks:
    """Whether it `exists`, or is `absent`."""

    async def looks() -> str:
        is_there = os.path.lexists(path)
        if is_there == (until == "exists"):
            return ""
        return f"{path} is {'still' if is_there else 'not'} there"

    return looks


def looks_at_command(command: list[str], context: Context) -> Looks:
    """Whether it exits with 0. Cancelled, it is killed, with its process group."""

    async def looks() -> str:
        # Not a pipe: who holds it open after the command has ended is not waited for.
        with TemporaryFile() as output:
            try:
                process = Popen(
                    command,
                    cwd=context.cwd,
                    env=context.env,
                    stdin=DEVNULL,
                    stdout=output,
                    stderr=STDOUT,
                    start_new_session=True,
                )
            except OSError as error:
                return f"`{command[0]}` cannot be started: {error.strerror}"
            try:
                await _end_of(process)
            finally:
                if process.poll() is None:
                    with suppress(ProcessLookupError):
                        os.killpg(process.pid, signal.SIGKILL)
                code = process.wait()
            output.seek(max(0, output.seek(0, os.SEEK_END) - _MOST_OUTPUT))
            said = one_line(output.read())
        return "" if code == 0 else f"`{command[0]}` exits with {code}" + (said and f": {said}")

    return looks


async def _end_of(process: Popen[bytes]) -> None:
    """Wait until it has ended. (asyncio's own processes cannot be cancelled while they are being started.)"""
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    pidfd = os.pidfd_open(process.pid)
    loop.add_reader(pidfd, ended.set)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(pidfd)
        os.close(pidfd)
