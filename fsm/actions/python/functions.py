"""The skill `python`: a function of the program that runs the plan, as one attempt of a step."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fsm.actions.output.masking import Masker
from fsm.actions.python.calling import called, failed, outputs_of
from fsm.engine.ports import Action, Failed, Inspection, Outcome, Task
from fsm.errors import Problem

if TYPE_CHECKING:
    from pydantic import JsonValue

__all__ = ["Function", "FunctionAction"]

Function = Callable[[], Any] | Callable[[], Awaitable[Any]]
"""Takes nothing; what it returns, at once or awaited, is JSON."""


class FunctionAction(Action):
    """The one action `call`, with the one parameter `function`: a name among `functions`.

    An async function is awaited; any other runs in a thread of its own, which nothing can end: after a
    timeout or a cancellation its end is awaited, unless it is cancelled a second time.
    """

    def __init__(self, functions: Mapping[str, Function]) -> None:
        self._functions = functions

    async def inspect(
        self,
        action: str,  # noqa: ARG002  the port's
        params: Mapping[str, JsonValue],
        cwd: Path,  # noqa: ARG002
        env: Mapping[str, str],  # noqa: ARG002
        secrets: Sequence[bytes],  # noqa: ARG002  names of functions are no secrets
    ) -> Inspection:
        """A function that this program does not have."""
        name = params.get("function")
        if name in self._functions:
            return {"targets": []}
        problem = Problem(f"the function `{name}` is not bound", "bind it in this program")
        return {"targets": [problem]}

    async def perform(self, task: Task) -> Outcome:
        """Call it once: `Succeeded` with what it returned as the output `result`, or `Failed`."""
        masker = Masker(task.secrets)
        function = self._functions.get(str(task.params.get("function")))
        if function is None:
            return Failed(f"the function `{task.params.get('function')}` is not bound")
        try:
            return outputs_of({"result": await called(function, {})}, task)
        except Exception as error:
            return failed(error, masker)

    def recorded(self) -> None:
        """Nothing is shared between calls, and so nothing is to be recollected. See `Action`."""

    def close(self) -> None:
        """Nothing is to be freed. See `Action`."""
