"""The database file: made whole, examined before it is opened, and its errors said in plain words.

The file comes into being by one `link` of a finished draft: under its name there is a database of
ours or nothing, so an empty file, a foreign one or half of one is damage and never a new store.
Nothing is opened through a symbolic link, from a folder that anybody may write to, or from another
user's hands (F66 to F68).
"""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from fsm.errors import Damaged, FsmError, StateUnavailable
from fsm.stores.tables import SCHEMA
from fsm.stores.upgrade import bring_up, pretend

__all__ = [
    "FAULTS",
    "abandon",
    "exists",
    "make_folder",
    "reading",
    "transaction",
    "unavailable",
    "writing",
]

APPLICATION_ID: Final = 0x66736D21  # "fsm!", so that `file` and we know the database from others
VERSION: Final = 2
BUSY_SECONDS: Final = 10.0
FAULTS: Final = (sqlite3.Error, OSError, UnicodeDecodeError)
"""What SQLite and the system raise; the last if SQLite's own message quotes a damaged name."""
_BACKUP = "restore it from a backup, or keep it aside and begin anew with --state"


def exists(path: Path) -> bool:
    """Whether there is a file to open. Raises `StateUnavailable` if that is not safe."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return False
    _examine_folder(path.parent)
    _examine(path, status)
    for suffix in ("-wal", "-shm", "-journal"):
        companion = path.with_name(path.name + suffix)
        with contextlib.suppress(FileNotFoundError):
            _examine(companion, companion.lstat())
    return True


def writing(path: Path) -> sqlite3.Connection:
    """A connection whose commits are on the disk when they return; makes a missing file."""
    if not exists(path):
        is_ours = path.parent.name == ".fsm" or not path.parent.exists()
        make_folder(path.parent)
        if is_ours:
            _keep_out_of_git(path.parent)
        _make(path)
    connection = _connect(path, "mode=rw")
    with _closed_on_error(connection):
        version = _identify(connection, path)
        if version < VERSION:
            bring_up(connection, path, version, VERSION)
        (mode,) = connection.execute("PRAGMA journal_mode=WAL").fetchone()
        if mode != "wal":
            raise StateUnavailable(
                f"{path}: this file system cannot keep a write-ahead log",
                "put the state on a local disk with --state",
            )
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
    return connection


def reading(path: Path) -> sqlite3.Connection | None:
    """A connection that cannot write, beside any writer, or `None` if there is no file.

    In a read-only folder SQLite cannot make its shared memory. If no log waits to be merged, the
    file alone is the whole truth and is read as it stands (F20).
    """
    if not exists(path):
        return None
    connection = _connect(path, "mode=ro")
    with _closed_on_error(connection):
        try:
            version = _identify(connection, path)
        except sqlite3.OperationalError as error:
            if _code(error) not in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN):
                raise
            if _size(path.with_name(path.name + "-wal")):
                raise StateUnavailable(
                    f"{path}: cannot be read in a read-only folder, its log is not merged",
                    f"copy {path.parent} to where you may write, and name the copy with --state",
                ) from error
            connection.close()
            connection = _connect(path, "mode=ro&immutable=1")
            version = _identify(connection, path)
        if version < VERSION:
            pretend(connection, version)
    return connection


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All that is written inside, or none of it; nobody else writes meanwhile."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        abandon(connection)
        raise


def abandon(connection: sqlite3.Connection) -> None:
    """Drop the connection and what it has not committed."""
    with contextlib.suppress(sqlite3.Error):
        if connection.in_transaction:
            connection.execute("ROLLBACK")
    with contextlib.suppress(sqlite3.Error):
        connection.close()


def make_folder(folder: Path) -> None:
    """The folder, for this user alone (0700), as lasting as what is put into it."""
    with contextlib.suppress(FileExistsError):
        try:
            folder.mkdir(mode=0o700)
        except FileNotFoundError:
            make_folder(folder.parent)
            folder.mkdir(mode=0o700)
        _sync(folder.parent)
    _examine_folder(folder)


def _keep_out_of_git(folder: Path) -> None:
    """No `git add` or `git clean` of a step shall take the state of the run that it is part of."""
    with contextlib.suppress(FileExistsError):
        fd = os.open(folder / ".gitignore", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(fd, "w") as file:
            file.write("*\n")


def unavailable(error: Exception, path: Path, run_id: str = "") -> FsmError:
    """What went wrong with the file, for one of `FAULTS`, and the next move."""
    then = f"then: fsm resume {run_id}" if run_id else "then try again"
    if isinstance(error, OSError):
        return _os_unavailable(error, path, then)
    said = str(error)
    if isinstance(error, sqlite3.ProgrammingError | sqlite3.InterfaceError):
        return FsmError(f"{path}: {said}", "this is a defect of fsm; please report it")
    match _code(error):
        case sqlite3.SQLITE_FULL:
            return StateUnavailable(f"{path}: {said}", f"free space, {then}")
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB | sqlite3.SQLITE_ERROR | None:
            # a plain error is an unknown table or column, or text that is not UTF-8
            return Damaged(f"{path} is damaged: {said}", f"nothing was changed; {_BACKUP}")
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return StateUnavailable(
                f"{path}: {said} by another program for {BUSY_SECONDS:g} seconds",
                f"see which with `fuser {path}`, end it, {then}",
            )
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM:
            return StateUnavailable(
                f"{path}: {said}",
                f"make {path.parent} writable for you, {then}",
            )
        case sqlite3.SQLITE_IOERR:
            return StateUnavailable(
                f"{path}: {said}", f"look for disk errors and free space (dmesg, df), {then}"
            )
        case _:
            return StateUnavailable(f"{path}: {said}", f"if it stays so, report it; {then}")


def _os_unavailable(error: OSError, path: Path, then: str) -> StateUnavailable:
    message = f"{error.filename or path}: {error.strerror or error}"
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            return StateUnavailable(message, f"free space, {then}")
        case errno.ELOOP:
            return StateUnavailable(
                f"{error.filename or path}: is a symbolic link, which is not followed here",
                "remove it, or name the real path with --state",
            )
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return StateUnavailable(message, f"make {path.parent} accessible and writable, {then}")
        case errno.ENOLCK | errno.EOPNOTSUPP:
            return StateUnavailable(message, "put the state on a local disk with --state")
        case _:
            return StateUnavailable(message, f"make {path.parent} usable, {then}")


def _make(path: Path) -> None:
    """The empty database, at once and whole; whoever else makes it first is welcome."""
    draft = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    os.close(os.open(draft, flags, 0o600))
    try:
        connection = _connect(draft, "mode=rw")
        try:
            connection.execute("PRAGMA synchronous=OFF")  # one sync below stands for all
            connection.execute("PRAGMA journal_mode=WAL")
            connection.executescript(
                f"BEGIN; {SCHEMA} PRAGMA application_id={APPLICATION_ID};"
                f" PRAGMA user_version={VERSION}; COMMIT"
            )
        finally:
            connection.close()
        _sync(draft)
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        _sync(path.parent)
    finally:
        for suffix in ("", "-wal", "-shm"):
            draft.with_name(draft.name + suffix).unlink(missing_ok=True)


def _connect(path: Path, query: str) -> sqlite3.Connection:
    return sqlite3.connect(
        f"{path.as_uri()}?{query}",
        uri=True,
        isolation_level=None,
        timeout=BUSY_SECONDS,
        check_same_thread=False,  # a journal may move to another thread; one at a time uses it
    )


@contextlib.contextmanager
def _closed_on_error(connection: sqlite3.Connection) -> Iterator[None]:
    try:
        yield
    except BaseException:
        connection.close()
        raise


def _identify(connection: sqlite3.Connection, path: Path) -> int:
    """The format of the database. Raises `Damaged` if it is not ours, `StateUnavailable` if it is newer."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application != APPLICATION_ID:
        what = "is a database of another program" if _size(path) else "is empty"
        raise Damaged(f"{path} is no state of fsm: it {what}", _BACKUP)
    if version > VERSION:
        raise StateUnavailable(
            f"{path} is of format {version}, of a newer fsm; this one knows format {VERSION}",
            "use the newer fsm, or keep the file and begin anew with --state",
        )
    if version < 1:
        raise Damaged(f"{path} is of format {version}, which no fsm has written", _BACKUP)
    return int(version)


def _examine_folder(folder: Path) -> None:
    for status in (folder.lstat(), folder.stat()):
        if status.st_uid not in (0, os.geteuid()):
            raise _unsafe(folder, f"belongs to user {status.st_uid}, not to you")
    if status.st_mode & stat.S_IWOTH and not status.st_mode & stat.S_ISVTX:
        raise _unsafe(folder, "may be written to by everybody")


def _examine(path: Path, status: os.stat_result) -> None:
    if stat.S_ISLNK(status.st_mode):
        raise _unsafe(path, "is a symbolic link, which is not followed here")
    if not stat.S_ISREG(status.st_mode):
        raise _unsafe(path, "is not a file")
    if status.st_uid != os.geteuid():
        raise _unsafe(path, f"belongs to user {status.st_uid}, not to you")


def _unsafe(path: Path, why: str) -> StateUnavailable:
    return StateUnavailable(
        f"{path}: {why}", "put the state into a folder of your own, or name another with --state"
    )


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _sync(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _code(error: Exception) -> int | None:
    """SQLite's own primary code; `None` if Python's module found fault with what SQLite gave it."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF
