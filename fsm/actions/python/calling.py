"""Calling a function of this program as one attempt of a step: what it returns or raises is the outcome."""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import sys
import threading
import traceback
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from contextvars import copy_context
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from fsm.actions.output.log import Log
from fsm.actions.output.masking import Masker
from fsm.actions.output.outputs import MOST_BYTES, NAME, BadOutputs, filed, without_secrets
from fsm.actions.output.text import one_line
from fsm.actions.python.skill import ActionFailed
from fsm.engine.ports import Failed, Outcome, Succeeded, Task

if TYPE_CHECKING:
    from pydantic import JsonValue

__all__ = ["called", "called_here", "failed", "files_of", "outputs_of", "plain", "traced_back"]

_TAIL_LINES = 20


async def called(function: Callable[..., Any], named: Mapping[str, Any]) -> Any:
    """What the function returns or raises. An async one is awaited; any other runs in a thread of its own,
    which nothing can end: if cancelled, its end is awaited, unless it is cancelled a second time.
    """
    if inspect.iscoroutinefunction(function):
        return await _awaited(function(**named))
    returned = await _in_a_thread(lambda: function(**named))
    return await _awaited(returned) if inspect.isawaitable(returned) else returned


async def called_here(function: Callable[..., Any], named: Mapping[str, Any]) -> Any:
    """As `called`, but without a thread: for what is done one by one, before anything is at work."""
    try:
        returned = function(**named)
    except SystemExit as end:
        raise _ended(end) from None
    return await _awaited(returned) if inspect.isawaitable(returned) else returned


async def _awaited(returned: Awaitable[Any]) -> Any:
    try:
        return await returned
    except SystemExit as end:
        raise _ended(end) from None


def _ended(end: BaseException) -> Exception:
    """`sys.exit` of a function does not end fsm: it is a failure."""
    return RuntimeError(f"{type(end).__name__}: {end}")


def failed(error: Exception, masker: Masker, log: Log | None = None) -> Outcome:
    """The failure of a function that raised this. Its last output is what it printed, and the traceback.

    Of an `ActionFailed` there is only its text.
    """
    if isinstance(error, ActionFailed | BadOutputs):
        told, traced = str(error), ""
    else:
        told = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        traced = traced_back(error)
    message = one_line(masker.mask(told.encode(errors="replace")))
    if log is None:
        lines = "\n".join(traced.splitlines()[-_TAIL_LINES:])
        return Failed(message, None, masker.mask(lines.encode(errors="replace")).decode())
    log.write(traced.encode(errors="replace"))
    log.end_output()
    return Failed(message, None, log.tail())


def traced_back(error: BaseException) -> str:
    """The traceback, from the first call on that is not fsm's own."""
    known = (getattr(sys.modules.get(name), "__file__", None) for name in ("fsm", "pydantic"))
    own = tuple(f"{Path(file).parent}{os.sep}" for file in known if file)
    first = error.__traceback__
    while first is not None and first.tb_frame.f_code.co_filename.startswith(own):
        first = first.tb_next
    return "".join(traceback.format_exception(type(error), error, first or error.__traceback__))


def outputs_of(returned: Mapping[str, Any], task: Task) -> Succeeded:
    """The success that gives these outputs, all masked; a `Path` is a file that is kept (`filed`).

    Raises `TypeError` if they are not JSON, and `BadOutputs`.
    """
    masker, files = Masker(task.secrets), files_of(returned)
    rest = {name: value for name, value in returned.items() if name not in files}

    def public(name: str) -> str:
        return masker.mask(name.encode()).decode()

    outputs = cast("dict[str, JsonValue]", plain(rest))
    return Succeeded(
        {public(name): without_secrets(value, masker) for name, value in outputs.items()}
        | {
            (shown := public(name)): filed(shown, path, task.outputs, task.cwd, task.secrets)
            for name, path in files.items()
        }
    )


def files_of(returned: Mapping[str, Any]) -> dict[str, Path]:
    """The outputs that are files. Raises `BadOutputs` for what cannot be written as `name:file=PATH`."""
    files = {name: value for name, value in returned.items() if isinstance(value, Path)}
    for name, path in files.items():
        if not NAME.fullmatch(name):
            raise BadOutputs(f"`{name}` is no name of an output that is a file")
        if "\n" in str(path):
            raise BadOutputs(f"the path of `{name}` holds a line feed")
    return files


async def _in_a_thread(function: Callable[[], Any]) -> Any:
    """What it returns or raises. Cancelled, wait for its end all the same; cancelled again, leave it."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Any] = loop.create_future()
    context = copy_context()

    def conclude(returned: Any, error: BaseException | None) -> None:
        if done.cancelled():
            return
        if error is None:
            done.set_result(returned)
        else:
            done.set_exception(error)

    def work() -> None:
        returned, error = None, None
        try:
            returned = context.run(function)
        except Exception as raised:
            error = raised
        except BaseException as raised:  # SystemExit of a thread ends nothing: it is a failure here
            error = _ended(raised)
        with suppress(RuntimeError):  # the loop is closed: it was left, and nobody waits
            loop.call_soon_threadsafe(conclude, returned, error)

    threading.Thread(target=work, name="fsm-phase", daemon=True).start()
    try:
        return await asyncio.shield(done)
    except asyncio.CancelledError:
        await asyncio.wait([done])
        raise


def plain(returned: Any) -> JsonValue:
    """The value as JSON gives it back; `?` for what is no Unicode. Raises `TypeError` if it is none."""
    try:
        text = json.dumps(returned, allow_nan=False, ensure_ascii=False).encode(errors="replace")
        value = cast("JsonValue", json.loads(text))
    except (TypeError, ValueError, RecursionError) as error:
        raise TypeError(
            f"it returned what is not JSON ({error}); return text, numbers, lists, mappings or None"
        ) from None
    if len(text) > MOST_BYTES:
        raise TypeError("it returned more than 1 MiB; return the `pathlib.Path` of a file")
    return value
