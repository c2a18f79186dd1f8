"""Files put into their places, and copies of them made, in one step and durably."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import stat
from contextlib import suppress
from pathlib import Path

from fsm.actions.places.confined import Spot
from fsm.actions.places.looks import MODE
from fsm.actions.python.skill import ActionFailed

__all__ = ["duplicate", "owner", "put", "save", "sync"]


def put(path: Path, spot: Spot) -> None:
    """Put a file that is kept into its place, in one step, in place of what is there; durable."""
    try:
        os.rename(path, spot.name, dst_dir_fd=spot.folder)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        name = f".fsm-{hashlib.sha256(str(path).encode()).hexdigest()[:16]}"
        beside = Path(f"/proc/self/fd/{spot.folder}", name)
        with suppress(FileNotFoundError):
            beside.unlink()
        duplicate(path, beside)
        os.rename(name, spot.name, src_dir_fd=spot.folder, dst_dir_fd=spot.folder)
        path.unlink()
    # If both were links to one file, rename(2) has left both where they were.
    path.unlink(missing_ok=True)
    os.fsync(spot.folder)


def owner(spot: Spot) -> tuple[int, int]:
    """The owner and the group of what is put there: -1 for the process's own."""
    with suppress(FileNotFoundError):
        there = os.stat(spot.name, dir_fd=spot.folder, follow_symlinks=False)
        return there.st_uid, there.st_gid
    folder = os.fstat(spot.folder)
    return -1, folder.st_gid if folder.st_mode & stat.S_ISGID else -1


def save(spot: Spot, path: Path) -> None:
    """Make `path` what stands there, in place of what `path` is."""
    with suppress(FileNotFoundError):
        path.unlink()
    duplicate(Path(f"/proc/self/fd/{spot.folder}", spot.name), path)


def duplicate(path: Path, copy: Path) -> None:
    """Make `copy` the same file if that can be, else a copy of it."""
    try:
        os.link(path, copy, follow_symlinks=False)
    except OSError as error:
        if error.errno not in (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.EOPNOTSUPP):
            raise
        _copy(path, copy)


def _copy(path: Path, copy: Path) -> None:
    """With mode, times and owner as far as may be; durable."""
    found = path.lstat()
    if not (stat.S_ISREG(found.st_mode) or stat.S_ISLNK(found.st_mode)):
        raise ActionFailed(f"{path.name} is no file that can be kept")
    shutil.copy2(path, copy, follow_symlinks=False)
    with suppress(PermissionError):
        os.chown(copy, found.st_uid, found.st_gid, follow_symlinks=False)
    if stat.S_ISREG(found.st_mode):
        copy.chmod(found.st_mode & MODE)
        with copy.open("rb") as file:
            os.fsync(file.fileno())


def sync(folder: Path) -> None:
    """Make the names in the folder durable."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
