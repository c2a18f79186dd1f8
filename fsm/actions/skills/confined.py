"""Names of files that stay within the plan's folder, whatever links and `..` are on the way (issue 4, F67).

A name is resolved once, judged, and then walked from folder to folder by descriptors that follow no link:
what is put there after it was judged leads nowhere.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fsm.actions.skill import ActionFailed
from fsm.plan.template import printable

if TYPE_CHECKING:
    from fsm.actions.skill import Context

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
    path: Path

    def __str__(self) -> str:
        return printable(str(self.path))


def _real_path(given: str, context: Context, *, outside: bool) -> Path:
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
    named = context.cwd / given
    if not given or named.name in ("", "..") or Path(given) == Path():
        raise ActionFailed(
            f"{shown} names no file in a folder; write its name, such as `notes.txt`"
        )
    path = Path(os.path.realpath(named.parent)) / named.name
    root = Path(os.path.realpath(context.folder))
    is_inside = root in path.parents
    if not is_inside and not outside:
        raise ActionFailed(
            f"{shown} leads out of the plan's folder, to {printable(str(path))}; "
            "stay within it, or write `outside: true` among the params"
        )
    if _STATE in (path.relative_to(root) if is_inside else path).parts:
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
def reopened(path: Path) -> Iterator[Spot]:
    """The place of a real path. `Missing` without its folder; `ActionFailed` if a link is on the way now."""
    held = os.open("/", _WALK)
    try:
        parts = path.parts[1:-1]
        for index, part in enumerate((*parts, ".")):
            last = index == len(parts)
            inner = _entered(part, held, _FOLDER if last else _WALK, Path("/", *parts[: index + 1]))
            os.close(held)
            held = inner
        yield Spot(held, path.name, path)
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


def _entered(part: str, folder: int, flags: int, path: Path) -> int:
    try:
        return os.open(part, flags, dir_fd=folder)
    except FileNotFoundError:
        hint = "make it in a step before, such as `files.make-folder`"
        raise Missing(f"there is no folder {printable(str(path))}; {hint}") from None
    except OSError as error:
        is_link = error.errno in (errno.ELOOP, errno.ENOTDIR)
        words = "is no folder, or a link" if is_link else f"cannot be opened: {error.strerror}"
        raise ActionFailed(f"{printable(str(path))} {words}") from None
