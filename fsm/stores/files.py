"""Files and folders of the state: for one user alone, and as lasting as what is put into them.

Nothing is opened through a symbolic link, from a folder that anybody may write to, or from another
user's hands (F66 to F68). What the system raises is said in plain words.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from pathlib import Path

from fsm.errors import StateUnavailable

__all__ = [
    "append",
    "cut_off",
    "examine",
    "examine_folder",
    "keep_out_of_git",
    "make_folder",
    "open_file",
    "sync",
    "unavailable",
    "write_new",
]


def make_folder(folder: Path) -> None:
    """The folder, for this user alone (0700), as lasting as what is put into it."""
    with contextlib.suppress(FileExistsError):
        try:
            folder.mkdir(mode=0o700)
        except FileNotFoundError:
            make_folder(folder.parent)
            folder.mkdir(mode=0o700)
        sync(folder.parent)
    examine_folder(folder)


def keep_out_of_git(folder: Path) -> None:
    """No `git add` or `git clean` of a step shall take the state of the run that it is part of."""
    with contextlib.suppress(FileExistsError):
        fd = os.open(folder / ".gitignore", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(fd, "w") as file:
            file.write("*\n")


def examine_folder(folder: Path) -> None:
    """Raises `StateUnavailable` for a folder that others may write to."""
    for status in (folder.lstat(), folder.stat()):
        if status.st_uid not in (0, os.geteuid()):
            raise _unsafe(folder, f"belongs to user {status.st_uid}, not to you")
    if status.st_mode & stat.S_IWOTH and not status.st_mode & stat.S_ISVTX:
        raise _unsafe(folder, "may be written to by everybody")


def examine(path: Path, status: os.stat_result, *, folder: bool = False) -> None:
    """Raises `StateUnavailable` for what is no plain file (or `folder`) of this user; `status` by `lstat`."""
    if stat.S_ISLNK(status.st_mode):
        raise _unsafe(path, "is a symbolic link, which is not followed here")
    if not (stat.S_ISDIR if folder else stat.S_ISREG)(status.st_mode):
        raise _unsafe(path, "is not a folder" if folder else "is not a file")
    if status.st_uid != os.geteuid():
        raise _unsafe(path, f"belongs to user {status.st_uid}, not to you")


def open_file(path: Path, flags: int) -> int:
    """A descriptor of a plain file of this user, which is made (0600) if the flags say so."""
    with contextlib.suppress(FileNotFoundError):
        examine(path, path.lstat())
    # O_NONBLOCK: a planted pipe must not hang us
    fd = os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, 0o600)
    try:
        examine(path, os.fstat(fd))
    except BaseException:
        os.close(fd)
        raise
    return fd


def write_new(path: Path, data: bytes) -> None:
    """A file that was not there (0600), its bytes on the disk; none if that fails."""
    fd = open_file(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def append(fd: int, size: int, data: bytes, path: Path, run_id: str = "") -> None:
    """Add to a file of `size` bytes, opened to append; on the disk when it returns.

    Raises `StateUnavailable`. Then the file is as it was, or a part of `data` follows; unless the message
    says that it is not known what is recorded.
    """
    written = False
    try:
        rest = data
        while rest:
            rest = rest[os.write(fd, rest) :]
        written = True
        os.fsync(fd)
    except BaseException as error:
        undone = _truncated(fd, size)
        if not isinstance(error, OSError):
            raise
        told = unavailable(error, path, run_id)
        if written and not undone:
            unknown = "whether the last events were recorded is not known"
            told = StateUnavailable(f"{told.message}; {unknown}", told.hint)
        raise told from error


def cut_off(fd: int, path: Path, size: int) -> None:
    """Leave `size` bytes of an open file, after a copy of the others was put beside it."""
    torn = os.pread(fd, os.fstat(fd).st_size - size, size)
    write_new(path.with_name(f"{path.name}.{size}-{os.urandom(4).hex()}.torn"), torn)
    sync(path.parent)
    os.ftruncate(fd, size)
    os.fsync(fd)


def sync(path: Path) -> None:
    """Wait until the file, or the names in the folder, are on the disk."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def unavailable(error: OSError, path: Path, run_id: str = "") -> StateUnavailable:
    """What went wrong with `path`, unless the error names another, and the next move."""
    then = f"then: fsm resume {run_id}" if run_id else "then try again"
    message = f"{error.filename or path}: {error.strerror or error}"
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            return StateUnavailable(message, f"free space, {then}")
        case errno.EIO:
            return StateUnavailable(message, f"look for disk errors (dmesg), {then}")
        case errno.EFBIG:
            return StateUnavailable(message, f"allow larger files (ulimit -f), {then}")
        case errno.ELOOP:
            return StateUnavailable(
                f"{error.filename or path}: is a symbolic link, which is not followed here",
                "remove it, or name the real path with --state",
            )
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return StateUnavailable(message, f"make {path.parent} accessible and writable, {then}")
        case errno.ENOTDIR:
            hint = (
                "move the file that stands where a folder should be, or name another with --state"
            )
            return StateUnavailable(message, hint)
        case errno.ENOLCK | errno.EOPNOTSUPP:
            return StateUnavailable(message, "put the state on a local disk with --state")
        case _:
            return StateUnavailable(message, f"make {path.parent} usable, {then}")


def _truncated(fd: int, size: int) -> bool:
    """Whether the file ends there again, as far as the disk can be believed."""
    try:
        os.ftruncate(fd, size)
        os.fsync(fd)
    except OSError:
        return False
    return True


def _unsafe(path: Path, why: str) -> StateUnavailable:
    return StateUnavailable(
        f"{path}: {why}", "put the state into a folder of your own, or name another with --state"
    )
