"""How attempts end in a simulated run: what a script says in place of the world."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pydantic import JsonValue

__all__ = ["CRASHES", "FAILS", "SUCCEEDS", "Chooser", "Ending", "Purpose", "script"]

Purpose = Literal["run", "rollback", "check"]


@dataclass(frozen=True, slots=True)
class Ending:
    """How one launched attempt ends, `seconds` of virtual time after it began.

    Of a check, succeeded says "done", failed with `exit_code` 1 "not done", any other failure that it
    cannot tell. `crashed`: at that moment the runner dies, with everything it has in flight.
    """

    how: Literal["succeeded", "failed", "crashed"] = "succeeded"
    seconds: float = 1.0
    outputs: Mapping[str, JsonValue] | None = None
    error: str = "exit code 1"
    exit_code: int | None = 1


SUCCEEDS = Ending()
FAILS = Ending("failed")
CRASHES = Ending("crashed")

Chooser = Callable[[str, int, Purpose], Ending]
"""Says how an attempt will end: step id, attempt (of a check: the attempt it looks at), purpose."""


def script(endings: Mapping[str, Ending | Sequence[Ending]]) -> Chooser:
    """A chooser from a table: by `STEP`, `STEP@rollback` or `STEP@check`, the ending of each attempt.

    The last ending of a list holds for all later attempts; what the table does not name succeeds.
    """

    def choose(step: str, attempt: int, purpose: Purpose) -> Ending:
        said = endings.get(step if purpose == "run" else f"{step}@{purpose}", SUCCEEDS)
        return said if isinstance(said, Ending) else said[min(attempt, len(said)) - 1]

    return choose
