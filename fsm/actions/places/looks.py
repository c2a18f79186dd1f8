"""What stands at a name: its kind, permissions, identity and content."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from typing import Any, Literal

from fsm.actions.places.confined import Spot

__all__ = ["MODE", "Look", "is_like", "look"]

MODE = 0o7777
"""The bits of a mode that are permissions."""


@dataclass(frozen=True, slots=True)
class Look:
    """What stands at a name. `file` is its device and inode, which a move keeps; `sha256` its content."""

    kind: Literal["nothing", "file", "folder", "link", "other"]
    mode: int = 0
    file: tuple[int, int] = (0, 0)
    sha256: str = ""


def look(spot: Spot) -> Look:
    """What stands there now; of a link the link itself."""
    try:
        found = os.stat(spot.name, dir_fd=spot.folder, follow_symlinks=False)
    except FileNotFoundError:
        return Look("nothing")
    kinds = {stat.S_IFREG: "file", stat.S_IFDIR: "folder", stat.S_IFLNK: "link"}
    kind: Any = kinds.get(stat.S_IFMT(found.st_mode), "other")
    return Look(kind, found.st_mode & MODE, (found.st_dev, found.st_ino))


def is_like(wanted: Look, spot: Spot) -> bool:
    """Whether that stands there: of that kind, and the same file or of that content, if it says so."""
    now = look(spot)
    if now.kind != wanted.kind:
        return False
    if wanted.sha256:
        return _sha256(spot) == wanted.sha256 and wanted.mode in (0, now.mode)
    return wanted.file in ((0, 0), now.file)


def _sha256(spot: Spot) -> str:
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    with os.fdopen(os.open(spot.name, flags, dir_fd=spot.folder), "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
