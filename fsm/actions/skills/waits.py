"""The skill `wait-for`: goes on as soon as something is so, and fails if it is not so in time."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from subprocess import DEVNULL, STDOUT, Popen
from tempfile import TemporaryFile
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, JsonValue
from pydantic_core import PydanticCustomError

from fsm.actions.net.addresses import AddressRefused, Network, addresses_of
from fsm.actions.net.values import Headers, Seconds, Statuses, Url
from fsm.actions.skill import ActionFailed, Context, Skill
from fsm.actions.text import one_line
from fsm.plan.duration import brief_duration

__all__ = ["waits"]

waits = Skill("wait-for", "Wait until a server, a file or a command is ready.")

_GROWTH: Final = 1.5
_LONGEST_PAUSE_SECONDS: Final = 5.0
_ATTEMPT_SECONDS: Final = 10.0
_MOST_OUTPUT: Final = 400


def _host(text: str) -> str:
    if not text or not text.isprintable() or set(text) & set(" /@\\"):
        raise PydanticCustomError("host", "must be the name or the address of a host")
    return text


def _path(text: str) -> str:
    if not text or not _is_of_the_system(text):
        raise PydanticCustomError("path", "must be the name of a file")
    return text


def _arguments(command: list[str]) -> list[str]:
    if not command or not command[0]:
        raise PydanticCustomError("command", "must begin with the name of a program")
    if not all(map(_is_of_the_system, command)):
        raise PydanticCustomError(
            "command", "has what no argument can hold: a NUL, half a character"
        )
    return command


def _is_of_the_system(text: str) -> bool:
    """Whether the system takes it as a name or an argument."""
    try:
        return b"\0" not in os.fsencode(text)
    except UnicodeEncodeError:
        return False


Host = Annotated[str, AfterValidator(_host)]
Port = Annotated[int, Field(ge=1, le=65535)]
File = Annotated[str, AfterValidator(_path)]
Arguments = Annotated[list[str], AfterValidator(_arguments)]
Looks = Callable[[], Awaitable[str]]
"""Looks once: "" if it is so, else why it is not yet."""


@waits.action(risk="read", outputs=["waited_seconds"])
async def port(
    port: Port,
    context: Context,
    host: Host = "localhost",
    timeout: Seconds = "1m",
    interval: Seconds = "200ms",
    network: Network = "private",
) -> dict[str, JsonValue]:
    """Wait until a server takes connections.

    port: the number of the port
    host: the name or the address of the machine
    timeout: how long is waited at most
    interval: the first pause between two looks; pauses grow to five seconds
    network: `public`, `private` (loopback and private addresses too) or `any` (link-local ones too)
    """
    return await _until(_port(host, port, network), context, timeout, interval)


@port.check
async def port_is_open(port: Port, host: Host = "localhost", network: Network = "private") -> bool:
    """Whether the server takes connections now."""
    return await _is_so(_port(host, port, network))


@port.dry_run
async def port_may_be_reached(
    port: Port, host: Host = "localhost", network: Network = "private"
) -> None:
    """Whether the address may be reached, if the name is known yet."""
    await _judge(host, port, network)


@waits.action(risk="read", outputs=["waited_seconds"])
async def url(
    url: Url,
    context: Context,
    headers: Headers | None = None,
    expect: Statuses = "2xx",
    timeout: Seconds = "1m",
    interval: Seconds = "200ms",
    network: Network = "private",
) -> dict[str, JsonValue]:
    """Wait until a server answers a request with a status.

    url: what is asked for, by GET
    headers: sent along, by name
    expect: the status that is waited for: `200`, `2xx`, `200-204`, or a list of these
    timeout: how long is waited at most
    interval: the first pause between two looks; pauses grow to five seconds
    network: `public`, `private` (loopback and private addresses too) or `any` (link-local ones too)
    """
    return await _until(_url(url, context, headers, expect, network), context, timeout, interval)


@url.check
async def url_answers(
    url: Url,
    context: Context,
    expect: Statuses,
    headers: Headers | None = None,
    network: Network = "private",
) -> bool:
    """Whether the server answers so now."""
    return await _is_so(_url(url, context, headers, expect, network))


@url.dry_run
async def url_may_be_reached(url: Url, network: Network = "private") -> None:
    """Whether the address may be reached, if the name is known yet."""
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    await _judge(parts.hostname or "", parts.port or 443, network)


@waits.action(risk="read", outputs=["waited_seconds"])
async def file(
    path: File,
    context: Context,
    until: Literal["exists", "absent"] = "exists",
    timeout: Seconds = "1m",
    interval: Seconds = "200ms",
) -> dict[str, JsonValue]:
    """Wait until a file or a folder is there, or is gone.

    path: which; if it is not absolute, within the step's folder
    until: `exists`, or `absent`
    timeout: how long is waited at most
    interval: the first pause between two looks; pauses grow to five seconds
    """
    return await _until(_file(context.cwd / path, until), context, timeout, interval)


@file.check
async def file_is_so(
    path: File, context: Context, until: Literal["exists", "absent"] = "exists"
) -> bool:
    """Whether it is there, or gone, now."""
    return await _is_so(_file(context.cwd / path, until))


@file.dry_run
def file_may_be_seen(path: File, context: Context) -> None:
    """Whether it can be told that the file is there."""
    try:
        (context.cwd / path).lstat()
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise ActionFailed(f"`{path}` cannot be looked for: {error.strerror}") from None


@waits.action(risk="read", outputs=["waited_seconds"])
async def command(
    command: Arguments, context: Context, timeout: Seconds = "1m", interval: Seconds = "200ms"
) -> dict[str, JsonValue]:
    """Wait until a command exits with 0. It is run again and again, and must change nothing.

    command: the program and its arguments, as a list; no shell is between
    timeout: how long is waited at most
    interval: the first pause between two looks; pauses grow to five seconds
    """
    return await _until(_command(command, context), context, timeout, interval)


@command.check
async def command_succeeds(command: Arguments, context: Context) -> bool:
    """Whether it exits with 0 now."""
    return await _is_so(_command(command, context))


@command.dry_run
def command_is_there(command: Arguments, context: Context) -> None:
    """Whether the program is found; one that is named by its path may come to be there."""
    path = context.env.get("PATH", os.defpath)
    if os.sep not in command[0] and shutil.which(command[0], path=path) is None:
        raise ActionFailed(f"the command `{command[0]}` is not found; install it, or mend PATH")


async def _until(
    looks: Looks, context: Context, timeout: float, interval: float
) -> dict[str, JsonValue]:
    """Look until it is so. Raises `ActionFailed` with the last reason when the time is over."""
    began = time.monotonic()
    why, pause = "", interval
    try:
        async with asyncio.timeout(timeout):
            while last := await looks():
                if last != why:
                    context.note(f"not yet: {last}")
                why = last
                await asyncio.sleep(pause)
                pause = max(interval, min(pause * _GROWTH, _LONGEST_PAUSE_SECONDS))
    except TimeoutError:
        told = f": {why}" if why else ""
        raise ActionFailed(f"it is not so after {brief_duration(timeout)}{told}") from None
    return {"waited_seconds": round(time.monotonic() - began, 3)}


async def _is_so(looks: Looks) -> bool:
    try:
        async with asyncio.timeout(_ATTEMPT_SECONDS):
            return not await looks()
    except TimeoutError:
        return False


def _port(host: str, port: int, network: Network) -> Looks:
    from fsm.actions.net.connecting import connect

    async def looks() -> str:
        try:
            async with asyncio.timeout(_ATTEMPT_SECONDS):
                await connect(host, port, network)
        except AddressRefused:
            raise
        except (ActionFailed, TimeoutError) as error:
            return str(error) or f"{host}:{port} takes no connection"
        return ""

    return looks


def _url(
    url: str, context: Context, headers: Headers | None, expect: frozenset[int], network: Network
) -> Looks:
    from fsm.actions.net.exchange import Request, Web

    request = Request(method="GET", url=url, headers=headers or {})

    async def looks() -> str:
        web = Web(env=context.env, network=network, timeout_seconds=_ATTEMPT_SECONDS, retries=0)
        try:
            async with web:
                answer = await web.send(request)
        except AddressRefused:
            raise
        except ActionFailed as error:
            return str(error)
        return "" if answer.status in expect else f"{answer.request} gives {answer.status}"

    return looks


def _file(path: Path, until: str) -> Looks:
    async def looks() -> str:
        is_there = os.path.lexists(path)
        if is_there == (until == "exists"):
            return ""
        return f"{path} is {'still' if is_there else 'not'} there"

    return looks


def _command(command: list[str], context: Context) -> Looks:
    async def looks() -> str:
        with (
            TemporaryFile() as output
        ):  # who holds it open after the command has ended is not waited for
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


async def _judge(host: str, port: int, network: Network) -> None:
    try:
        await addresses_of(host, port, network)
    except AddressRefused:
        raise
    except ActionFailed:
        return  # it may be known when its time has come
