"""Whatever bit of the database flips: what is read is what was written, or an error says otherwise.

SQLite alone does not see most flips (FACTS.md, "Durability"); hashes and checksums do.
"""

from __future__ import annotations

import random
import shutil
import sqlite3
import struct
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fsm.engine.ports import Approval, RunSummary
from fsm.errors import Damaged, StateUnavailable
from fsm.run.events import RunCreated, StepFailed, StepStarted
from fsm.stores import SqliteStore
from fsm.stores.rows import Integrity

PLANS = [b'{"id":"a"}', b'{"id":"b","steps":["' + b"x" * 9000 + b'"]}']
DIGESTS = [sha256(plan).hexdigest() for plan in PLANS]


@dataclass
class Content:
    """All that a store tells. An approval may get lost, and is asked for again; never altered."""

    runs: list[RunSummary]
    stored: list[Any]
    approvals: set[Approval]

    def tells(self, other: Content) -> bool:
        return (
            self.runs == other.runs
            and self.stored == other.stored
            and self.approvals >= other.approvals
        )


def content(path: Path) -> Content:
    opened = SqliteStore(path)
    return Content(
        list(opened.runs()),
        [opened.load(f"run-{number}") for number in range(4)],
        {approval for digest in DIGESTS for approval in opened.approvals(digest)},
    )


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of four runs of two plans, and five approvals of which two are used."""
    path = tmp_path_factory.mktemp("whole") / "state.db"
    store = SqliteStore(path)
    for number in range(5):
        store.approve(Approval(DIGESTS[number % 2], f"user {number}", float(number), "prompt"))
    for number in range(4):
        digest = DIGESTS[number % 2]
        journal = store.create(
            RunSummary(f"run-{number}", f"plan-{number}", "A plan", digest, "running", 1.0, 2.0),
            PLANS[number % 2],
            [RunCreated(digest=digest)],
            approval=store.approvals(digest)[0] if number < 2 else None,
        )
        for turn in range(30):
            started, failed = StepStarted("s", turn), StepFailed("s", turn, "no " * turn)
            journal.append([started, failed], at=10.0 + turn, state="running")
        journal.close()
    return path


@pytest.fixture(scope="module")
def good(whole: Path) -> Content:
    return content(whole)


@pytest.fixture(scope="module")
def copied(whole: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """Makes a fresh copy of the store in a place of its own; each replaces the one before."""
    folder = tmp_path_factory.mktemp("copies") / "copy"

    def copy() -> Path:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(whole.parent, folder)
        return folder / whole.name

    return copy


def seen(path: Path, good: Content) -> bool:
    """Whether the damage was seen; if not, nothing may be other than it was."""
    try:
        read = content(path)
    except StateUnavailable as error:
        told = error
    else:
        assert good.tells(read)
        return False
    assert told.hint
    assert str(path.parent) in told.message
    return True


def test_a_copy_tells_the_same(copied: Callable[[], Path], good: Content) -> None:
    assert not seen(copied(), good)
    assert len(good.approvals) == 3


def flip_file(path: Path, bit: int) -> None:
    data = bytearray(path.read_bytes())
    data[bit // 8] ^= 1 << bit % 8
    path.write_bytes(data)


@settings(max_examples=1000, deadline=None)
@given(data=st.data())
def test_no_flipped_bit_of_the_file_goes_unseen(
    copied: Callable[[], Path], good: Content, data: st.DataObject
) -> None:
    path = copied()
    flip_file(path, data.draw(st.integers(0, path.stat().st_size * 8 - 1)))
    seen(path, good)


def test_no_flipped_bit_of_the_header_and_the_schema_goes_unseen(
    copied: Callable[[], Path], good: Content
) -> None:
    chosen = random.Random(1)
    for byte in [*range(120), *chosen.sample(range(120, 4096), 80)]:
        path = copied()
        flip_file(path, byte * 8 + chosen.randrange(8))
        seen(path, good)


def flip_cell(cell: Any, bit: int) -> Any:
    if isinstance(cell, int):
        return cell ^ (1 << bit % 40)
    if isinstance(cell, float):
        (number,) = struct.unpack("<q", struct.pack("<d", cell))
        return struct.unpack("<d", struct.pack("<q", number ^ (1 << bit % 63)))[0]
    data = bytearray(cell.encode() if isinstance(cell, str) else cell)
    data[bit // 8 % len(data)] ^= 1 << bit % 8
    return bytes(data)


def flip_row(path: Path, table: str, draw: Callable[[int], int]) -> bool:
    """Flip one bit of one cell of the table. False if that cell cannot be written so."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        rows = connection.execute(f"SELECT rowid, * FROM {table}").fetchall()
        columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
        row = rows[draw(len(rows))]
        index = draw(len(columns))
        if row[index + 1] == "":
            return False
        value = flip_cell(row[index + 1], draw(1 << 20))
        cast = "CAST(? AS TEXT)" if isinstance(row[index + 1], str) else "?"
        connection.execute(
            f'UPDATE {table} SET "{columns[index]}" = {cast} WHERE rowid = ?', (value, row[0])
        )
    except (sqlite3.IntegrityError, OverflowError):
        return False
    finally:
        connection.close()
    return True


@pytest.mark.parametrize("table", ["runs", "records", "plans", "approvals"])
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_no_flipped_bit_of_a_cell_goes_unseen(
    copied: Callable[[], Path], good: Content, table: str, data: st.DataObject
) -> None:
    path = copied()
    if flip_row(path, table, lambda below: data.draw(st.integers(0, below - 1))):
        assert seen(path, good) or table == "approvals"


def test_a_store_that_trusts_its_rows_is_caught(
    copied: Callable[[], Path], good: Content, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Integrity, "verify", lambda *_: None)
    chosen, missed = random.Random(1), 0
    for _ in range(20):
        path = copied()
        flip_row(path, "records", chosen.randrange)
        try:
            seen(path, good)
        except AssertionError:
            missed += 1
    assert missed > 5


@pytest.mark.parametrize("statement", [
    "DELETE FROM runs WHERE run_id = 'run-2'",
    "DELETE FROM records WHERE place >> 32 = 3",
    "DELETE FROM plans",
    "UPDATE runs SET seq = seq - 1 WHERE run_id = 'run-1'",
    "UPDATE runs SET state = 'completed' WHERE run_id = 'run-1'",
    "UPDATE approvals SET used_by = ''",
    "DROP TABLE records",
    "DROP TABLE runs",
    "ALTER TABLE runs RENAME COLUMN plan_name TO name",
    "UPDATE records SET data = x'00' WHERE place & 0xFFFFFFFF = 3",
    "UPDATE records SET data = CAST(x'ff' AS TEXT) WHERE place & 0xFFFFFFFF = 3",
    "UPDATE runs SET run_id = 'run-9' WHERE run_id = 'run-0'",
])  # fmt: skip
def test_rows_that_were_tampered_with_are_seen(
    copied: Callable[[], Path], good: Content, statement: str
) -> None:
    path = copied()
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute(statement)
    connection.close()
    changes_nothing = "RENAME" in statement
    assert seen(path, good) != changes_nothing


def test_an_older_copy_of_the_database_is_seen(copied: Callable[[], Path], good: Content) -> None:
    """A backup put back beside the lock files of later work: records are missing (F16)."""
    path = copied()
    backup = path.read_bytes()
    journal = SqliteStore(path).acquire("run-1")
    journal.append([StepStarted("later", 1)], at=99.0, state="running")
    journal.close()
    path.write_bytes(backup)
    with pytest.raises(Damaged) as damaged:
        SqliteStore(path).load("run-1")
    lock = path.with_name("state.db-locks") / "run-1.lock"
    assert damaged.value.message == (
        f"{path}: records of run run-1 are lost: they were acknowledged up to number 62 ({lock})"
    )
    assert damaged.value.hint == (
        f"restore {path} from a backup; or, to go on with what is left, remove {lock}"
    )
    lock.unlink()
    assert not seen(path, good)


def test_a_database_that_was_removed_beside_its_locks_is_seen(copied: Callable[[], Path]) -> None:
    path = copied()
    path.unlink()
    store = SqliteStore(path)
    for ask in (store.runs, lambda: store.load("run-1"), lambda: store.acquire("run-1")):
        with pytest.raises(Damaged, match="records of run run-"):
            ask()
    assert not path.exists()


@pytest.mark.parametrize("size", [0, 1, 15, 16, 99, 100, 4095, 4096, 4097, 8192, 20000])
def test_a_truncated_file_is_seen(copied: Callable[[], Path], good: Content, size: int) -> None:
    path = copied()
    path.write_bytes(path.read_bytes()[:size])
    assert seen(path, good)
