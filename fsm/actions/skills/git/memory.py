"""What a step of `git-operations` remembers of the repository before it changes it: `STEP@kept/git.json`."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import Any

from fsm.actions.output.log import make_folder, open_regular
from fsm.actions.python.skill import ActionFailed, Context

__all__ = ["forget", "recall", "remember"]

_FILE = "git.json"


def remember(context: Context, action: str, /, **facts: str) -> None:
    """Remember this of the step, in place of what was; durable when it returns."""
    assert context.kept is not None
    make_folder(str(context.kept))
    path, new = context.kept / _FILE, context.kept / f"{_FILE}.new"
    with suppress(FileNotFoundError):
        new.unlink()
    with os.fdopen(open_regular(str(new), os.O_WRONLY | os.O_CREAT), "w") as file:
        json.dump({**facts, "action": action}, file)
        file.flush()
        os.fsync(file.fileno())
    new.rename(path)
    fd = os.open(context.kept, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def recall(context: Context, *actions: str, **facts: str) -> dict[str, Any]:
    """What the step remembers of one of these actions, if it fits the facts; else nothing."""
    if context.kept is None:
        return {}
    try:
        with os.fdopen(open_regular(str(context.kept / _FILE), os.O_RDONLY)) as file:
            found: dict[str, Any] = json.load(file)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ActionFailed(f"{context.kept / _FILE} cannot be read: {error}") from None
    fits = found["action"] in actions and facts.items() <= found.items()
    return found if fits else {}


def forget(context: Context, own: dict[str, str]) -> None:
    """It was undone: nothing of it is to be taken back any more, and undoing it again finds it done."""
    remember(context, "undone", **(own | {"of": own["action"]}))
