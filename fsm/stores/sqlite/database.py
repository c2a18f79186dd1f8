"""The database file: made whole, examined before it is opened, and its errors said in plain words.

The file comes into being by one `link` of a finished draft: under its name there is a database of
ours or nothing, so an empty file, a foreign one or half of one is damage and never a new store.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from fsm.errors import Damaged, FsmError, StateUnavailable
from fsm.stores import files
from fsm.stores.files import examine, examine_folder, keep_out_of_git, make_folder, sync
from fsm.stores.refusals import newer_format
from fsm.stores.sqlite.tables import SCHEMA

__all__ = [
    "FAULTS",
    "abandon",
    "exists",
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
    examine_folder(path.parent)
    examine(path, status)
    for suffix in ("-wal", "-shm", "-journal"):
        companion = path.with_name(path.name + suffix)
        with contextlib.suppress(FileNotFoundError):
            examine(companion, companion.lstat())
    return True


def writing(path: Path) -> sqlite3.Connection:
    """A connection whose commits are on the disk when they return; makes a missing file."""
    if not exists(path):
        is_ours = path.parent.name == ".fsm" or not path.parent.exists()
        make_folder(path.parent)
        if is_ours:
            keep_out_of_git(path.parent)
        _make(path)
    connection = _connect(path, "mode=rw")
    with _closed_on_error(connection):
        version = _identify(connection, path)
        if version < VERSION:
            from fsm.stores.sqlite.upgrade import bring_up

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
            from fsm.stores.sqlite.upgrade import pretend

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


def unavailable(error: Exception, path: Path, run_id: str = "") -> FsmError:
    """What went wrong with the file, for one of `FAULTS`, and the next move."""
    if isinstance(error, OSError):
        return files.unavailable(error, path, run_id)
    then = f"then: fsm resume {run_id}" if run_id else "then try again"
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
            # the close would do it as well, but keep it to itself if the disk refuses
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            connection.close()
        sync(draft)
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        sync(path.parent)
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
        raise newer_format(path, version, VERSION)
    if version < 1:
        raise Damaged(f"{path} is of format {version}, which no fsm has written", _BACKUP)
    return int(version)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _code(error: Exception) -> int | None:
    """SQLite's own primary code; `None` if Python's module found fault with what SQLite gave it."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF
