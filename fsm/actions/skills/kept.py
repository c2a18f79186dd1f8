"""What files were before a step changed them, kept so that undoing the step brings it back (issue 4).

It is kept in a folder of the step within its run's logs, open to its owner only and pruned with the run:

    .fsm/logs/RUN/STEP@kept/1/    one for each time that the step began to change something
        record.json               what was where, and what the step makes of it; durable before any effect
        0.before, 1.before        what was there: the very file where it can be linked, else a copy
        0.found                   what undoing found there that the step had not made

So it can be told after a crash whether the step was done, and undoing it needs nothing but the step's name.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from fsm.actions.output import make_folder, open_regular
from fsm.actions.skill import ActionFailed
from fsm.actions.skills.confined import Spot, reopened

__all__ = ["Kept", "Look", "Place", "Slot", "look", "put"]

_PIECE = 1 << 20
_RECORD = "record.json"
_MODE = 0o7777


@dataclass(frozen=True, slots=True)
class Look:
    """What stands at a name. `file` is its device and inode, which a move keeps; `sha256` its content."""

    kind: Literal["nothing", "file", "folder", "link", "other"]
    mode: int = 0
    file: tuple[int, int] = (0, 0)
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """One name that a step changes: what was there, and what is there when the step is done."""

    path: str
    before: Look
    after: Look


def look(spot: Spot) -> Look:
    """What stands there now; of a link the link itself."""
    try:
        found = os.stat(spot.name, dir_fd=spot.folder, follow_symlinks=False)
    except FileNotFoundError:
        return Look("nothing")
    kinds = {stat.S_IFREG: "file", stat.S_IFDIR: "folder", stat.S_IFLNK: "link"}
    kind: Any = kinds.get(stat.S_IFMT(found.st_mode), "other")
    return Look(kind, found.st_mode & _MODE, (found.st_dev, found.st_ino))


class Kept:
    """All that is kept of one step of one run, in that folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __bool__(self) -> bool:
        """Whether the step ever began to change something, or to undo it."""
        return self._folder.is_dir()

    def latest(self) -> Slot | None:
        """What is kept of the last time that the step changed something, undone or not."""
        for number in sorted(self._numbers(), reverse=True):
            slot = Slot(self._folder / str(number))
            if slot.has_record():
                return slot
        return None

    def is_done(self, places: Sequence[tuple[Spot, Look]]) -> bool:
        """Whether this step did it and it was not undone: all these places are as it makes them."""
        slot = self.latest()
        if slot is None or slot.undone:
            return False
        paths = [place.path for place in slot.places]
        return paths == [spot.path for spot, _ in places] and all(
            _is(wanted, spot) for spot, wanted in places
        )

    def begin(self) -> Slot:
        """A new place to keep what will be changed."""
        make_folder(str(self._folder))
        slot = Slot(self._folder / str(max(self._numbers(), default=0) + 1))
        make_folder(str(slot.folder))
        return slot

    def _numbers(self) -> Iterator[int]:
        with suppress(FileNotFoundError):
            for path in self._folder.iterdir():
                if path.name.isdecimal():
                    yield int(path.name)


class Slot:
    """What is kept of one change."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.places: Sequence[Place] = ()
        self.undone = False

    def has_record(self) -> bool:
        """Whether what was before is kept whole; then it is read. Raises `ActionFailed` if it cannot be."""
        path = self.folder / _RECORD
        try:
            fd = open_regular(str(path), os.O_RDONLY)
            with os.fdopen(fd, "rb") as file:
                record = json.loads(file.read())
            self.undone = record["undone"]
            self.places = [
                Place(each["path"], _look_of(each["before"]), _look_of(each["after"]))
                for each in record["places"]
            ]
        except FileNotFoundError:
            return False
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ActionFailed(
                f"{path} cannot be read ({error}); put the files right by hand"
            ) from None
        return True

    def create(self, pieces: Iterable[bytes], mode: int | None, like: Spot) -> tuple[Path, str]:
        """A new file of that content, durable, to be put in place of `like`; and the SHA-256 of it.

        `mode` is as the process's mask leaves it if it is `None`. The owner is that of the file which is
        there, and the group that of a folder which hands its own on, as far as may be.
        """
        path = self.folder / "new"
        digest = hashlib.sha256()
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(path, flags, 0o666 if mode is None else 0o600), "wb") as file:
            for piece in pieces:
                digest.update(piece)
                file.write(piece)
            with suppress(PermissionError):
                os.fchown(file.fileno(), *_owner(like))
            if mode is not None:
                os.fchmod(file.fileno(), mode)
            file.flush()
            os.fsync(file.fileno())
        return path, digest.hexdigest()

    def keep(self, changes: Sequence[tuple[Spot, Look]]) -> None:
        """Keep what stands at these places now, and what the step will make of each; then it is durable."""
        places = []
        for index, (spot, after) in enumerate(changes):
            before = look(spot)
            if before.kind not in ("nothing", "folder"):
                _save(spot, self.folder / f"{index}.before")
            places.append(Place(spot.path, before, after))
        self.places = places
        self._write()

    def take(self, spot: Spot, index: int) -> None:
        """Move the folder that stands there to what is kept. Raises `OSError`."""
        os.rename(spot.name, self.folder / f"{index}.before", src_dir_fd=spot.folder)
        os.fsync(spot.folder)

    def drop(self) -> None:
        """Forget it: nothing was changed."""
        shutil.rmtree(self.folder)

    def put_back(self) -> Iterator[str]:
        """Bring every place back to what was there; may be done again. Tells what was found instead."""
        moved_to = self.places[-1].path
        for index, place in enumerate(self.places):
            with reopened(place.path) as spot:
                found = self._put_back(spot, index, place, moved_to)
            if found is not None:
                yield f"what stood at {place.path} was not this step's: kept as {found}"
        self.undone = True
        self._write()
        for path in self.folder.glob("*.before"):
            path.unlink()  # a folder was moved back as a whole

    def _put_back(self, spot: Spot, index: int, place: Place, moved_to: str) -> Path | None:
        now, before = look(spot), place.before
        if before.kind == now.kind and before.file == now.file:
            return (
                None  # nothing is there, or what was: a file that could be linked is the very same
            )
        found = None
        if now.kind != "nothing":
            found = self._cleared(spot, index, place.after, now)
        if before.kind == "nothing":
            return found
        if moved_to != spot.path and _moved_back(moved_to, spot, before):
            return found
        kept = self.folder / f"{index}.before"
        if before.kind == "folder":
            if not kept.is_dir():
                raise ActionFailed(f"the folder {spot} is neither kept nor where it was moved to")
            os.rename(kept, spot.name, dst_dir_fd=spot.folder)
            os.fsync(spot.folder)
        else:
            copy = kept.with_suffix(".back")
            with suppress(FileNotFoundError):
                copy.unlink()
            _duplicate(kept, copy)
            put(copy, spot)
        return found

    def _cleared(self, spot: Spot, index: int, after: Look, now: Look) -> Path | None:
        """Clear the place; what the step had not made is kept, at the path that is given."""
        if after.kind == now.kind == "folder":
            with suppress(OSError):
                os.rmdir(spot.name, dir_fd=spot.folder)
                return None
        elif _is(after, spot):
            os.unlink(spot.name, dir_fd=spot.folder)
            return None
        found = _unused(self.folder / f"{index}.found")
        if now.kind != "folder":
            _save(spot, found)
            os.unlink(spot.name, dir_fd=spot.folder)
        else:
            os.rename(spot.name, found, src_dir_fd=spot.folder)
        return found

    def _write(self) -> None:
        record = {"undone": self.undone, "places": [asdict(place) for place in self.places]}
        path = self.folder / f"{_RECORD}.new"
        with suppress(FileNotFoundError):
            path.unlink()
        with os.fdopen(open_regular(str(path), os.O_WRONLY | os.O_CREAT), "w") as file:
            json.dump(record, file)
            file.flush()
            os.fsync(file.fileno())
        path.rename(self.folder / _RECORD)
        _sync(self.folder)
        _sync(self.folder.parent)


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
        _duplicate(path, beside)
        os.rename(name, spot.name, src_dir_fd=spot.folder, dst_dir_fd=spot.folder)
        path.unlink()
    # If both were links to one file, rename(2) has left both where they were.
    path.unlink(missing_ok=True)
    os.fsync(spot.folder)


def _moved_back(moved_to: str, spot: Spot, before: Look) -> bool:
    """Move what was moved from there back, if it is still where it was moved to."""
    try:
        with reopened(moved_to) as there:
            if look(there).file != before.file:
                return False
            os.rename(there.name, spot.name, src_dir_fd=there.folder, dst_dir_fd=spot.folder)
            os.fsync(there.folder)
            os.fsync(spot.folder)
    except ActionFailed:
        return False
    return True


def _owner(spot: Spot) -> tuple[int, int]:
    with suppress(FileNotFoundError):
        there = os.stat(spot.name, dir_fd=spot.folder, follow_symlinks=False)
        return there.st_uid, there.st_gid
    folder = os.fstat(spot.folder)
    return -1, folder.st_gid if folder.st_mode & stat.S_ISGID else -1


def _is(wanted: Look, spot: Spot) -> bool:
    now = look(spot)
    if now.kind != wanted.kind:
        return False
    if wanted.sha256:
        return _sha256(spot) == wanted.sha256 and wanted.mode in (0, now.mode)
    return wanted.file in ((0, 0), now.file)


def _save(spot: Spot, path: Path) -> None:
    """Make `path` what stands there: the same file if that can be, else a copy of it."""
    with suppress(FileNotFoundError):
        path.unlink()
    try:
        os.link(spot.name, path, src_dir_fd=spot.folder, follow_symlinks=False)
    except OSError as error:
        if error.errno not in (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.EOPNOTSUPP):
            raise
        _copy(Path(f"/proc/self/fd/{spot.folder}", spot.name), path)


def _duplicate(path: Path, copy: Path) -> None:
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
        copy.chmod(found.st_mode & _MODE)
        with copy.open("rb") as file:
            os.fsync(file.fileno())


def _sha256(spot: Spot) -> str:
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    with os.fdopen(os.open(spot.name, flags, dir_fd=spot.folder), "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _look_of(kept: dict[str, Any]) -> Look:
    return Look(kept["kind"], kept["mode"], tuple(kept["file"]), kept["sha256"])


def _unused(path: Path) -> Path:
    number = 1
    while os.path.lexists(path):
        number += 1
        path = path.with_name(f"{path.name.partition('-')[0]}-{number}")
    return path


def _sync(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
