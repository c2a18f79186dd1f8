"""Names of files that stay within the plan's folder, whatever links and `..` are on the way (issue 4, F67).

A name is resolved once, judged, and then walked from folder to folder by descriptors that follow no link:
what is put there after it was judged leads nowhere.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from fsm.actions.python.skill import ActionFailed
from fsm.plan.template import printable

if TYPE_CHECKING:
    from fsm.actions.python.skill import Context

__all__ = ["Missing", "Spot", "opened", "opened_if_there", "pieces", "read", "reopened", "told"]

_STATE: Final = ".fsm"
_LONGEST_BYTES: Final = 4095
_WALK: Final = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_PIECE: Final = 1 << 20
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Missing(ActionFailed):
    """A folder on the way is not there."""


@dataclass(frozen=True, slots=True)
class Spot:
    """A name within an open folder; `folder` is its descriptor, `path` the whole real path."""

    folder: int
    name: str
    path: str

    def __str__(self) -> str:
        return printable(self.path)


def _real_path(given: str, context: Context, *, outside: bool) -> str:
    """Where that name leads, from the step's folder; its last part may be a link, and is not followed.

    Raises `ActionFailed` if it is no name of a file, is fsm's own state, or lies beyond the plan's folder
    although it may not be `outside`.
    """
    shown = f"`{printable(given[:200])}`"
    if "\0" in given:
        raise ActionFailed(f"{shown} holds a NUL character, which no file's name can")
    try:
        size = len(os.fsencode(given))
    except UnicodeEncodeError:
        raise ActionFailed(f"{shown} is not valid Unicode, and so no file's name") from None
    if size > _LONGEST_BYTES:
        raise ActionFailed(f"{shown}… is longer than {_LONGEST_BYTES} bytes")
    # Text, not paths: a plan of ten thousand files is tried within seconds.
    named = (given if given.startswith("/") else f"{context.cwd}/{given}").rstrip("/")
    above, _, name = named.rpartition("/")
    if not given or name in ("", ".", ".."):
        raise ActionFailed(
            f"{shown} names no file in a folder; write its name, such as `notes.txt`"
        )
    folder, root = os.path.realpath(above or "/"), os.path.realpath(context.folder).rstrip("/")
    path = f"{folder.rstrip('/')}/{name}"
    is_inside = path.startswith(f"{root}/")
    if not is_inside and not outside:
        raise ActionFailed(
            f"{shown} leads out of the plan's folder, to {printable(path)}; "
            "stay within it; with `outside: true` an action of files may leave it"
        )
    if _STATE in path.removeprefix(root if is_inside else "").split("/"):
        raise ActionFailed(f"{shown} is in fsm's own state ({_STATE}), which is left to fsm")
    return path


@contextmanager
def opened(given: str, context: Context, *, outside: bool) -> Iterator[Spot]:
    """The place of that name, its folder held open. `Missing` if that is not there; raises `ActionFailed`."""
    with reopened(_real_path(given, context, outside=outside)) as spot:
        yield spot


@contextmanager
def opened_if_there(given: str, context: Context, *, outside: bool) -> Iterator[Spot | None]:
    """The same, but `None` without that folder, if a step before may still make it."""
    with ExitStack() as stack:
        try:
            spot = stack.enter_context(opened(given, context, outside=outside))
        except Missing:
            if context.is_first:
                raise
            spot = None
        yield spot


@contextmanager
def reopened(path: str) -> Iterator[Spot]:
    """The place of a real path. `Missing` without its folder; `ActionFailed` if a link is on the way now."""
    held = os.open("/", _WALK)
    try:
        *parts, name = path.split("/")[1:]
        for index, part in enumerate((*parts, ".")):
            last = index == len(parts)
            inner = _entered(part, held, _FOLDER if last else _WALK, parts[: index + 1])
            os.close(held)
            held = inner
        yield Spot(held, name, path)
    finally:
        os.close(held)


@contextmanager
def read(spot: Spot) -> Iterator[int]:
    """A descriptor of the regular file that is there. Raises `ActionFailed` if there is none."""
    try:
        fd = os.open(spot.name, _READ, dir_fd=spot.folder)
    except FileNotFoundError:
        raise ActionFailed(f"there is no {spot}") from None
    except OSError as error:
        words = "is a link; name what it leads to" if error.errno == errno.ELOOP else error.strerror
        raise ActionFailed(f"{spot} {words}") from None
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise ActionFailed(f"{spot} is no regular file")
        yield fd
    finally:
        os.close(fd)


def pieces(fd: int) -> Iterator[bytes]:
    """What is in the file from where it is read."""
    while piece := os.read(fd, _PIECE):
        yield piece


@contextmanager
def told(path: str) -> Iterator[None]:
    """What the system refuses meanwhile, as `ActionFailed`."""
    try:
        yield
    except OSError as error:
        raise ActionFailed(f"{printable(path)}: {error.strerror or error}") from None


def _entered(part: str, folder: int, flags: int, parts: Sequence[str]) -> int:
    try:
        return os.open(part, flags, dir_fd=folder)
    except FileNotFoundError:
        hint = "make it in a step before, such as `files.make-folder`"
        raise Missing(f"there is no folder {_shown(parts)}; {hint}") from None
    except OSError as error:
        is_link = error.errno in (errno.ELOOP, errno.ENOTDIR)
        words = "is no folder, or a link" if is_link else f"cannot be opened: {error.strerror}"
        raise ActionFailed(f"{_shown(parts)} {words}") from None


def _shown(parts: Sequence[str]) -> str:
    return printable("/" + "/".join(parts))
