"""What a function of a skill is given of its call, and what it may say to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from fsm.engine.ports import Aspect

__all__ = ["ActionFailed", "Context", "Lack"]


class ActionFailed(Exception):
    """Raised by an action that knows why it fails: the text is the error, one line, with no traceback."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What one call is about. `cwd` is absolute, `env` the step's whole environment.

    `folder` is the folder of the plan, which file actions do not leave. `idempotency_key` is equal for all
    attempts of one step in one run. `kept` is a folder of the step's own within the run's logs, for what it
    needs when it is undone; whoever needs it makes it. `is_first` says of a dry run that no step before
    changes anything: what is missing now will be missing. `code` is the SHA-256 of the code that the call
    names, as it was approved; "" if that is not known. `note` writes a line to the step's log, masked.
    """

    cwd: Path
    folder: Path
    env: Mapping[str, str]
    run_id: str = ""
    step_id: str = ""
    attempt: int = 1
    idempotency_key: str = ""
    kept: Path | None = None
    is_first: bool = False
    code: str = ""
    note: Callable[[str], None] = lambda _: None


@dataclass(frozen=True, slots=True)
class Lack:
    """What an action's inspection misses: a permission, a target that is not there …; and the next move."""

    aspect: Aspect
    message: str
    hint: str = ""
