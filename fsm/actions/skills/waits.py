"""The skill `wait-for`: goes on as soon as something is so, and fails if it is not so in time."""

from __future__ import annotations

import asyncio
import os
import time
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, JsonValue
from pydantic_core import PydanticCustomError

from fsm.actions.command import Programs
from fsm.actions.net.addresses import AddressRefused, Network, addresses_of
from fsm.actions.net.values import Headers, Seconds, Statuses, Url
from fsm.actions.python.skill import ActionFailed, Context, Skill
from fsm.actions.skills.readiness import (
    ATTEMPT_SECONDS,
    Looks,
    looks_at_command,
    looks_at_file,
    looks_at_port,
    looks_at_url,
)
from fsm.plan.duration import brief_duration

__all__ = ["waits"]

waits = Skill("wait-for", "Wait until a server, a file or a command is ready.")

_GROWTH: Final = 1.5
_LONGEST_PAUSE_SECONDS: Final = 5.0


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
    return await _until(looks_at_port(host, port, network), context, timeout, interval)


@port.check
async def port_is_open(port: Port, host: Host = "localhost", network: Network = "private") -> bool:
    """Whether the server takes connections now."""
    return await _is_so(looks_at_port(host, port, network))


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
    return await _until(
        looks_at_url(url, context, headers, expect, network), context, timeout, interval
    )


@url.check
async def url_answers(
    url: Url,
    context: Context,
    expect: Statuses,
    headers: Headers | None = None,
    network: Network = "private",
) -> bool:
    """Whether the server answers so now."""
    return await _is_so(looks_at_url(url, context, headers, expect, network))


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
    return await _until(looks_at_file(context.cwd / path, until), context, timeout, interval)


@file.check
async def file_is_so(
    path: File, context: Context, until: Literal["exists", "absent"] = "exists"
) -> bool:
    """Whether it is there, or gone, now."""
    return await _is_so(looks_at_file(context.cwd / path, until))


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
    return await _until(looks_at_command(command, context), context, timeout, interval)


@command.check
async def command_succeeds(command: Arguments, context: Context) -> bool:
    """Whether it exits with 0 now."""
    return await _is_so(looks_at_command(command, context))


@command.dry_run
def command_is_there(command: Arguments, context: Context) -> None:
    """Whether the program is found; one that is named by its path may come to be there."""
    if os.sep not in command[0] and not Programs().has(command[0], context.cwd, context.env):
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
        async with asyncio.timeout(ATTEMPT_SECONDS):
            return not await looks()
    except TimeoutError:
        return False


async def _judge(host: str, port: int, network: Network) -> None:
    try:
        await addresses_of(host, port, network)
    except AddressRefused:
        raise
    except ActionFailed:
        return  # it may be known when its time has come
