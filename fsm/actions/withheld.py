"""What stands in for a skill that may not be used: each of its actions is refused, and says why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fsm.engine.ports import Action, Failed, Inspection, Outcome, Task
from fsm.errors import Problem

if TYPE_CHECKING:
    from pydantic import JsonValue

__all__ = ["WithheldAction"]


class WithheldAction(Action):
    """Does nothing, for that reason: whatever else a run has to do goes on."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem

    async def inspect(
        self,
        action: str,  # noqa: ARG002 - of the port, all of them
        params: Mapping[str, JsonValue],  # noqa: ARG002
        cwd: Path,  # noqa: ARG002
        env: Mapping[str, str],  # noqa: ARG002
        secrets: Sequence[bytes],  # noqa: ARG002
    ) -> Inspection:
        """The reason."""
        return {"permissions": [self._problem]}

    async def perform(self, task: Task) -> Outcome:  # noqa: ARG002 - of the port
        """Fails for that reason; nothing was begun."""
        return Failed(str(self._problem))

    def recorded(self) -> None:
        """Nothing is to be recollected. See `Action`."""

    def close(self) -> None:
        """Nothing is to be freed. See `Action`."""
