"""Whether a file may be put at a place, or taken from there: found out without any effect."""

from __future__ import annotations

import os

from fsm.actions.places.confined import Spot, opened_if_there, read, told
from fsm.actions.places.looks import Look, look
from fsm.actions.python.skill import ActionFailed, Context
from fsm.plan.template import printable

__all__ = ["can_give", "can_take", "refuse_same", "replaceable"]


def replaceable(spot: Spot) -> Look:
    """What is there, if a file may come in its place."""
    now = look(spot)
    match now.kind:
        case "folder":
            raise ActionFailed(f"{spot} is a folder; name the file in it")
        case "link":
            raise ActionFailed(f"{spot} is a link; name what it leads to, or remove it before")
        case "other":
            raise ActionFailed(f"{spot} is no regular file")
    return now


def refuse_same(source: Spot, to: Spot) -> None:
    if source.path == to.path:
        raise ActionFailed(f"{source} is named twice, as the source and as what comes of it")


def can_take(path: str, context: Context, outside: bool) -> None:
    """Raises `ActionFailed` if no file may be put there. A folder that is missing may be made until then."""
    with told(path), opened_if_there(path, context, outside=outside) as spot:
        if spot is not None:
            replaceable(spot)
            _refuse_unless_writable(spot)


def can_give(path: str, context: Context, outside: bool, *, readable: bool = False) -> bool:
    """Whether it is there: a step before may still make it. Raises `ActionFailed` if it cannot be had."""
    with told(path), opened_if_there(path, context, outside=outside) as spot:
        if spot is None or look(spot).kind == "nothing":
            if context.is_first:
                raise ActionFailed(f"there is no {printable(path)}")
            context.note(f"there is no {path} yet: a step before must make it")
            return False
        if readable:
            with read(spot):
                return True
        _refuse_unless_writable(spot)
    return True


def _refuse_unless_writable(spot: Spot) -> None:
    if not os.access(f"/proc/self/fd/{spot.folder}", os.W_OK | os.X_OK):
        raise ActionFailed(f"the folder of {spot} cannot be written; mend its permissions")
