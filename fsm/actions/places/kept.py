"""What files were before a step changed them, kept so that undoing the step brings it back (issue 4).

It is kept in a folder of the step within its run's logs, open to its owner only and pruned with the run:

    .fsm/logs/RUN/STEP@kept/1/    one for each time that the step began to change something
        record.json               what was where, and what the step makes of it; durable before any effect
        0.before, 1.before        what was there: the very file where it can be linked, else a copy
        0.found                   what undoing found there that the step had not made

So it can be told after a crash whether the step was done, and undoing it needs nothing but the step's name.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fsm.actions.output.log import make_folder, open_regular
from fsm.actions.places.confined import Spot, reopened
from fsm.actions.places.looks import Look, is_like, look
from fsm.actions.places.placing import duplicate, owner, put, save, sync
from fsm.actions.python.skill import ActionFailed

__all__ = ["Kept", "Place", "Slot"]

_RECORD = "record.json"


@dataclass(frozen=True, slots=True)
class Place:
    """One name that a step changes: what was there, and what is there when the step is done."""

    path: str
    before: Look
    after: Look


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
            is_like(wanted, spot) for spot, wanted in places
        )

    def begin(self) -> Slot:
        """A new place to keep what will be changed."""
        make_folder(str(self._folder))
        slot = Slot(self._folder / str(max(self._numbers(), default=0) + 1))
        make_folder(str(slot.folder))
        return slot

    def replace(self, spot: Spot, content: Iterable[bytes], mode: int | None) -> None:
        """Put a file of that content there, where there is a file or nothing; or leave it, if the step did.

        It has the permissions of the one before if `mode` is `None`.
        """
        now = look(spot)
        if mode is None and now.kind == "file":
            mode = now.mode
        slot = self.begin()
        new, digest = slot.create(content, mode, like=spot)
        after = Look("file", mode or 0, sha256=digest)
        if self.is_done([(spot, after)]):
            slot.drop()
            return
        slot.keep([(spot, after)])
        put(new, spot)

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
                os.fchown(file.fileno(), *owner(like))
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
                save(spot, self.folder / f"{index}.before")
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
            return None  # nothing is there, or what was: a file that was linked is the very same
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
            duplicate(kept, copy)
            put(copy, spot)
        return found

    def _cleared(self, spot: Spot, index: int, after: Look, now: Look) -> Path | None:
        """Clear the place; what the step had not made is kept, at the path that is given."""
        if after.kind == now.kind == "folder":
            with suppress(OSError):
                os.rmdir(spot.name, dir_fd=spot.folder)
                return None
        elif is_like(after, spot):
            os.unlink(spot.name, dir_fd=spot.folder)
            return None
        found = _unused(self.folder / f"{index}.found")
        if now.kind != "folder":
            save(spot, found)
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
        sync(self.folder)
        sync(self.folder.parent)


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


def _look_of(kept: dict[str, Any]) -> Look:
    return Look(kept["kind"], kept["mode"], tuple(kept["file"]), kept["sha256"])


def _unused(path: Path) -> Path:
    number = 1
    while os.path.lexists(path):
        number += 1
        path = path.with_name(f"{path.name.partition('-')[0]}-{number}")
    return path
