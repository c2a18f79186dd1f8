"""The skill `python`: a function of the program that runs the plan, as one attempt of a step."""

from __future__ import annotations

import asyncio
import inspect
import json
import threading
import traceback
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from contextvars import copy_context
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from fsm.actions.masking import Masker
from fsm.actions.text import one_line
from fsm.engine.ports import Action, Failed, Outcome, Succeeded, Task
from fsm.errors import Problem

if TYPE_CHECKING:
    from pydantic import JsonValue

__all__ = ["Function", "FunctionAction"]

Function = Callable[[], Any] | Callable[[], Awaitable[Any]]
"""Takes nothing; what it returns, at once or awaited, is JSON."""

_TAIL_LINES = 20


class FunctionAction(Action):
    """The one action `call`, with the one parameter `function`: a name among `functions`.

    An async function is awaited; any other runs in a thread of its own, which nothing can end: after a
    timeout or a cancellation its end is awaited, unless it is cancelled a second time.
    """

    def __init__(self, functions: Mapping[str, Function]) -> None:
        self._functions = functions

    def inspect(
        self,
        action: str,  # noqa: ARG002  the port's
        params: Mapping[str, JsonValue],
        cwd: str | Path,  # noqa: ARG002
        env: Mapping[str, str],  # noqa: ARG002
    ) -> Sequence[Problem]:
        """A function that this program does not have."""
        name = params.get("function")
        if name in self._functions:
            return []
        return [Problem(f"the function `{name}` is not bound", "bind it in this program")]

    async def perform(self, task: Task) -> Outcome:
        """Call it once: `Succeeded` with what it returned as the output `result`, or `Failed`."""
        masker = Masker(task.secrets)
        function = self._functions.get(str(task.params.get("function")))
        if function is None:
            return Failed(f"the function `{task.params.get('function')}` is not bound")
        try:
            if inspect.iscoroutinefunction(function):
                returned = await function()
            else:
                returned = await _in_a_thread(function)
                if inspect.isawaitable(returned):
                    returned = await returned
            return Succeeded({"result": _masked(_plain(returned), masker)})
        except Exception as error:
            told = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
            lines = "".join(traceback.format_exception(error)).splitlines()[-_TAIL_LINES:]
            return Failed(
                one_line(masker.mask(told.encode(errors="replace"))),
                None,
                masker.mask("\n".join(lines).encode(errors="replace")).decode(),
            )

    def recorded(self) -> None:
        """Nothing is shared between calls, and so nothing is to be recollected. See `Action`."""

    def close(self) -> None:
        """Nothing is to be freed. See `Action`."""


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
            error = RuntimeError(f"{type(raised).__name__}: {raised}")
        with suppress(RuntimeError):  # the loop is closed: it was left, and nobody waits
            loop.call_soon_threadsafe(conclude, returned, error)

    threading.Thread(target=work, name="fsm-phase", daemon=True).start()
    try:
        return await asyncio.shield(done)
    except asyncio.CancelledError:
        await asyncio.wait([done])
        raise


def _plain(returned: Any) -> JsonValue:
    """The value as JSON gives it back. Raises `TypeError` if it is none."""
    try:
        return cast("JsonValue", json.loads(json.dumps(returned, allow_nan=False)))
    except (TypeError, ValueError, RecursionError) as error:
        raise TypeError(
            f"it returned what is not JSON ({error}); return text, numbers, lists, mappings or None"
        ) from None


def _masked(value: Any, masker: Masker) -> Any:
    match value:
        case str():
            return masker.mask(value.encode(errors="replace")).decode()
        case list():
            return [_masked(item, masker) for item in value]
        case dict():
            return {_masked(key, masker): _masked(item, masker) for key, item in value.items()}
    return value
