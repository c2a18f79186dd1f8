"""The folders of a store of JSON lines: made, examined, listed, and had by one process at a time."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from fsm.errors import Damaged, Refused
from fsm.stores import refusals
from fsm.stores.files import examine, examine_folder, keep_out_of_git, make_folder, unavailable
from fsm.stores.jsonl.journal import locked
from fsm.stores.jsonl.journal_file import JournalFile
from fsm.stores.jsonl.lines import Concluded, Header
from fsm.stores.lock import read_head
from fsm.stores.refusals import is_run_id

__all__ = ["RunFolders"]


class RunFolders:
    """`runs`, with a folder for each run, and `locks`, below `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.runs = path / "runs"
        self.locks = path / "locks"

    @contextmanager
    def told(self, run_id: str = "") -> Iterator[None]:
        """No error of the system leaves the store untranslated."""
        try:
            yield
        except FileNotFoundError as error:
            if run_id and is_run_id(run_id) and not os.path.lexists(self.runs / run_id):
                raise self.missing(run_id) from error  # it was removed meanwhile
            raise unavailable(error, self.runs, run_id) from error
        except OSError as error:
            raise unavailable(error, self.runs, run_id) from error

    def make(self) -> None:
        """The folders, where they are missing."""
        self.examine()
        is_ours = self.path.name == ".fsm" or not self.path.exists()
        make_folder(self.path)
        if is_ours:
            keep_out_of_git(self.path)
        make_folder(self.runs)
        make_folder(self.locks)
        self.examine()

    def examine(self) -> bool:
        """Whether there is a folder of runs. Raises `StateUnavailable` if it is not safe."""
        try:
            status = self.path.stat()
            examine_folder(self.path)
        except FileNotFoundError:
            return False
        examine(self.path, status, folder=True)
        for folder in (self.locks, self.runs):
            try:
                examine(folder, folder.lstat(), folder=True)
            except FileNotFoundError:
                continue
            examine_folder(folder)
        return self.runs.exists()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Nobody else adds or removes a run or an approval; what was left half done is swept away."""
        fd = os.open(self.runs, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            with locked(fd, self.runs):
                for left in self.runs.glob(".*"):
                    shutil.rmtree(left, ignore_errors=True)
                yield
        finally:
            os.close(fd)

    def folder(self, run_id: str) -> Path:
        """The folder of that run. Raises `Refused` if there is none."""
        folder = self.runs / run_id
        if not self.examine() or not is_run_id(run_id) or not os.path.lexists(folder):
            raise self.missing(run_id)
        examine(folder, folder.lstat(), folder=True)
        return folder

    def all(self) -> list[tuple[Header, Concluded]]:
        """Every run, newest first."""
        runs = []
        names = os.listdir(self.runs) if self.examine() else []  # noqa: PTH208 - names alone
        for name in filter(is_run_id, names):
            folder = self.runs / name
            with suppress(FileNotFoundError):  # removed meanwhile
                examine(folder, folder.lstat(), folder=True)
                with JournalFile.opened(folder) as file:
                    runs.append((file.header, file.end().last))
        return sorted(runs, key=lambda run: run[0].number, reverse=True)

    def draft(self, run_id: str) -> Path:
        """A name for the folder of a run that is not there yet, or no longer."""
        return self.runs / f".{run_id}.{os.urandom(4).hex()}"

    def missing(self, run_id: str) -> Refused | Damaged:
        """There is no such run; or there was, as its lock file tells."""
        began = is_run_id(run_id) and read_head(self.locks, run_id) is not None
        if began and not os.path.lexists(self.runs / run_id):  # it may have begun after we looked
            return self.lost(run_id)
        known = [header.run_id for header, _ in self.all()]
        return refusals.no_such_run(run_id, known, str(self.path))

    def lost(self, run_id: str) -> Damaged:
        """The lock file of the run tells of records, and there are none."""
        lock = self.locks / f"{run_id}.lock"
        return Damaged(
            f"{self.runs / run_id}: run {run_id} is lost: records of it were acknowledged ({lock})",
            f"restore the folder from a backup; or, to do without the run, remove {lock}",
        )
