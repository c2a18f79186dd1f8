"""Runs in a folder, as files that a person can read and compare.

    PATH/runs/RUN/journal.jsonl            the journal (`fsm.stores.jsonl.lines`)
    PATH/runs/RUN/plan.json                the resolved plan's document
    PATH/runs/RUN/checkpoints/000041.json  the state after record 41
    PATH/approvals.jsonl                   who consented to what
    PATH/locks/RUN.lock                    who has the run, and the last line that was acknowledged
    PATH/logs/RUN/…                        what the steps printed

A run comes into being, and goes, by the rename of its whole folder. Readers take no lock and change
nothing. Whoever adds or removes a run or an approval has the folder `runs` for himself meanwhile.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path

from fsm.engine.checkpoint import Checkpoint, newest, whole
from fsm.engine.journal import Record, verify
from fsm.engine.ports import Approval, RunSummary, StoredRun
from fsm.errors import Damaged
from fsm.run.events import Event
from fsm.stores import refusals
from fsm.stores.files import make_folder, open_file, sync, write_new
from fsm.stores.jsonl import checkpoint_files
from fsm.stores.jsonl.approval_file import Approvals
from fsm.stores.jsonl.journal import JsonJournal, batch
from fsm.stores.jsonl.journal_file import JOURNAL, JournalFile, Part
from fsm.stores.jsonl.lines import Concluded, Header, header_line, sealed_by
from fsm.stores.jsonl.run_folders import RunFolders
from fsm.stores.lock import Head, RunLock, heads, holder, read_head
from fsm.stores.refusals import is_run_id

__all__ = ["JsonStore"]

_PLAN = "plan.json"
_APPEND = os.O_RDWR | os.O_APPEND


class JsonStore:
    """The store in the folder `path`. See `Store`."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path).absolute()
        self._folders = RunFolders(self.path)
        self._approvals = Approvals(self.path / "approvals.jsonl", self._folders.locks)

    def create(
        self,
        summary: RunSummary,
        document: bytes,
        events: Sequence[Event],
        *,
        approval: Approval | None = None,
        alongside: bool = False,
    ) -> JsonJournal:
        """A new run with its first events, held by the caller. See `Store`."""
        records = refusals.first_records(summary, document, events, approval)
        with self._folders.told(), ExitStack() as undo:
            self._folders.make()
            lock = RunLock.take(self._folders.locks, summary.run_id)
            undo.callback(lock.discard)
            with self._folders.alone():
                last = self._insert(summary, document, records, approval, alongside)
            lock.note(last.line, last.seal)
            with JournalFile.opened(self._folders.runs / summary.run_id, _APPEND) as file:
                journal = JsonJournal(file, lock, last, os.fstat(file.fd).st_size)
            undo.pop_all()
            return journal

    def acquire(self, run_id: str) -> JsonJournal:
        """Take the run's lock: a writer after its last record, in a new epoch. See `Store`."""
        with self._folders.told(run_id), ExitStack() as undo:
            self._folders.folder(run_id)  # nothing is locked for a run that is not there
            make_folder(self._folders.locks)
            lock = RunLock.take(self._folders.locks, run_id)
            undo.callback(lock.discard)
            with JournalFile.opened(self._folders.folder(run_id), _APPEND) as file:
                journal = JsonJournal.taken(file, lock)
            undo.pop_all()
            return journal

    def load(self, run_id: str, *, from_checkpoint: bool = False) -> StoredRun:
        """The run as it stands, and proved to be as it was written. See `Store`."""
        with self._folders.told(run_id):
            folder = self._folders.folder(run_id)
            # The head before the file: a writer may go on while we read.
            head = read_head(self._folders.locks, run_id)
            with JournalFile.opened(folder) as file:
                checkpoint, warnings, part = (
                    _newest(file, folder) if from_checkpoint else (None, [], file.whole())
                )
                self._verify(file, part, head, checkpoint)
                document = _document(folder, file.header)
                summary = file.header.summary(part.last)
                return StoredRun(summary, document, part.records, checkpoint, warnings)

    def checkpoints(self, run_id: str) -> Sequence[Checkpoint]:
        """The run's checkpoints that are as they were written, oldest first. See `Store`."""
        with self._folders.told(run_id):
            folder = self._folders.folder(run_id) / checkpoint_files.FOLDER
            return whole(reversed([*checkpoint_files.read(folder)]))

    def adopt(self, stored: StoredRun, *, alongside: bool = False) -> None:
        """Take a run over from another store. See `Store`."""
        summary = stored.summary
        refusals.refuse_run_id(summary.run_id)
        refusals.refuse_altered(stored)
        with self._folders.told():
            self._folders.make()
            lock = RunLock.take(self._folders.locks, summary.run_id)
            try:
                with self._folders.alone():
                    last = self._insert(summary, stored.document, stored.records, None, alongside)
                lock.note(last.line, last.seal)
            finally:
                lock.discard()

    def remove(self, run_id: str, *, damaged: bool = False) -> None:
        """Forget a run. See `Store`."""
        with self._folders.told(run_id), ExitStack() as undo:
            self._folders.folder(run_id)
            make_folder(self._folders.locks)
            lock = RunLock.take(self._folders.locks, run_id)
            undo.callback(lock.discard)
            with self._folders.alone():
                folder = self._folders.folder(run_id)
                with JournalFile.opened(folder) as file:
                    if not damaged:
                        end = file.end()
                        file.compare(end, lock.head(), lock.path)
                        refusals.refuse_unfinished(file.header.summary(end.last))
                if file.header.approval:
                    self._approvals.add_use(file.header.approval, run_id)
                lock.forget()  # first: a head without a run would be evidence of a loss
                folder.rename(gone := self._folders.draft(run_id))
                sync(self._folders.runs)
                shutil.rmtree(gone)

    def holder(self, run_id: str) -> int | None:
        """The pid of the run's holder, 0 if it cannot be told, `None` if the run is free."""
        if not is_run_id(run_id):
            return None
        with self._folders.told(run_id):
            return holder(self._folders.locks, run_id)

    def runs(self) -> Sequence[RunSummary]:
        """Every run, newest first."""
        with self._folders.told():
            self._folders.examine()
            # The heads before the runs: one may begin while we read.
            acknowledged = heads(self._folders.locks)
            runs = self._folders.all()
            lost = acknowledged - {header.run_id for header, _ in runs}
            if lost:  # unless removed meanwhile: its head goes first
                lost &= heads(self._folders.locks)
            if lost:
                raise self._folders.lost(min(lost))
            return tuple(header.summary(last) for header, last in runs)

    def approve(self, approval: Approval) -> None:
        """Record an approval; durable when it returns."""
        with self._folders.told():
            self._folders.make()
            with self._folders.alone():
                self._approvals.add(approval)

    def approvals(self, digest: str) -> Sequence[Approval]:
        """The approvals of this digest that no run has used, oldest first."""
        with self._folders.told():
            if not self._folders.examine():
                return ()
            # The approvals before the runs: one may use one up and be removed.
            given, used = self._approvals.read()
            used |= {header.approval: header.run_id for header, _ in self._folders.all()}
            return tuple(
                each.approval
                for each in given
                if each.approval.digest == digest and each.seal not in used
            )

    def close(self) -> None:
        """Nothing stays open between two calls."""

    def _insert(
        self,
        summary: RunSummary,
        document: bytes,
        records: Sequence[Record],
        approval: Approval | None,
        alongside: bool,
    ) -> Concluded:
        """Make the run: all of it aside, then one rename."""
        run_id = summary.run_id
        runs = self._folders.all()
        others = [header.summary(last) for header, last in runs]
        refusals.refuse_beside(summary, others, alongside=alongside)
        used = self._use_up(approval, runs) if approval else ""
        number = max((header.number for header, _ in runs), default=0) + 1
        names = (run_id, summary.plan_id, summary.plan_name, summary.digest)
        opening = header_line(Header(number, *names, float(summary.created_at), used)) + "\n"
        seq, hash_ = (records[-1].seq, records[-1].hash) if records else (0, summary.digest)
        epoch = records[-1].epoch if records else 1
        at = float(summary.updated_at)
        last = Concluded(len(records) + 2, epoch, at, summary.state, seq, hash_)
        text = opening + batch(records, last, sealed_by(opening))
        draft = self._folders.draft(run_id)
        draft.mkdir(mode=0o700)
        try:
            write_new(draft / _PLAN, document)
            write_new(draft / JOURNAL, text.encode())
            sync(draft)
            draft.rename(self._folders.runs / run_id)
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)
            raise
        sync(self._folders.runs)
        return last._replace(seal=sealed_by(text))

    def _use_up(self, approval: Approval, runs: Sequence[tuple[Header, Concluded]]) -> str:
        """What names the approval in the header of the run that uses it."""
        given, used = self._approvals.read()
        used |= {header.approval: header.run_id for header, _ in runs}
        same = [each.seal for each in given if each.approval == approval]
        unused = next((each for each in same if each not in used), None)
        if unused is None:
            raise refusals.approval_gone(used[same[-1]] if same else "")
        return unused

    def _verify(
        self, file: JournalFile, part: Part, head: Head | None, checkpoint: Checkpoint | None
    ) -> None:
        run_id = file.header.run_id
        after, previous = (
            (checkpoint.seq, checkpoint.hash) if checkpoint else (0, file.header.digest)
        )
        try:
            verify(run_id, [*part.records, *part.pending], previous, after)
        except Damaged as error:
            raise Damaged(f"{file.path}: {error.message}", error.hint) from None
        file.verify_lines(part, after, previous)
        file.compare(part, head, self._folders.locks / f"{run_id}.lock")


def _newest(file: JournalFile, folder: Path) -> tuple[Checkpoint | None, list[str], Part]:
    """The newest checkpoint that belongs to the journal, warnings, and what follows it."""
    warnings: list[str] = []
    for seq, data in checkpoint_files.read(folder / checkpoint_files.FOLDER):
        digest = file.header.digest
        hash_, part = file.after(seq) or ("", None) if seq else (digest, file.whole())
        found, told = newest(file.header.run_id, [(seq, data)], {seq: hash_}.get)
        if found and part:
            return found, warnings, part
        warnings += told
    return None, warnings, file.whole()


def _document(folder: Path, header: Header) -> bytes:
    try:
        fd = open_file(folder / _PLAN, os.O_RDONLY)
    except FileNotFoundError:
        if not folder.exists():
            raise
        what = f"the plan of run {header.run_id} is missing"
        raise Damaged(f"{folder / _PLAN}: {what}", refusals.without_run(folder)) from None
    with os.fdopen(fd, "rb") as file:
        document = file.read()
    if sha256(document).hexdigest() != header.digest:
        what = f"the plan of run {header.run_id} is not as it was written"
        raise Damaged(f"{folder / _PLAN}: {what}", refusals.without_run(folder))
    return document
