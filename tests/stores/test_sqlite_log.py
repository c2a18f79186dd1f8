"""The write-ahead log that a killed writer of the SQLite store leaves: truncated, flipped, and seen."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fsm.errors import Damaged
from fsm.run.events import RunStarted, StepMarked

Start = Callable[[], Any]

_HEAD_BYTES = 24
_FRAME_BYTES = _HEAD_BYTES + 4096
"""Of a page in the write-ahead log."""


def killed_in_mid_run(state: Any, worker: Start) -> int:
    """A log that its killed writer did not merge, alone: the number of records acknowledged."""
    child = worker()
    child.ask("create", "run-1", "plan-1")
    for number in range(1, 11):
        assert child.ask("append", str(number)) == "recorded"
    child.kill()
    return 11


def test_a_truncated_log_is_seen(state: Any, worker: Start) -> None:
    acknowledged = killed_in_mid_run(state, worker)
    log = state.path.with_name("state.db-wal")
    whole = log.read_bytes()
    for length in range(0, len(whole), _FRAME_BYTES):
        log.write_bytes(whole[:length])
        with pytest.raises(Damaged) as damaged:
            state.again().load("run-1")
        assert str(state.path) in damaged.value.message
        assert "run-1" in damaged.value.message
        with pytest.raises(Damaged):
            state.again().acquire("run-1")
    log.write_bytes(whole)
    assert len(state.again().load("run-1").records) == acknowledged


def torn_in_the_last_append(state: Any, worker: Start) -> tuple[Path, bytes, list[int], bytes]:
    """The log that a killed writer left, and where its last append may have been torn.

    That is each byte of the frames' heads and of the record itself, and others between them. At last, what
    the lock file said before that append was acknowledged.
    """
    child = worker()
    child.ask("create", "run-1", "plan-1")
    for number in range(1, 10):
        child.ask("append", str(number))
    head, log = state.lock().read_bytes(), state.path.with_name("state.db-wal")
    begin = log.stat().st_size
    assert child.ask("append", "the-last-of-all") == "recorded"
    child.kill()
    whole = log.read_bytes()
    record = whole.index(b"the-last-of-all", begin)
    heads = range(begin, len(whole), _FRAME_BYTES)
    cuts = {*range(record - 100, record + 200), *range(begin, len(whole), 61)}
    cuts |= {at for frame in heads for at in range(frame, frame + _HEAD_BYTES)}
    return log, whole, sorted(cut for cut in cuts if begin <= cut < len(whole)), head


def test_a_last_append_torn_at_any_byte_is_none(state: Any, worker: Start) -> None:
    """As if its writer had died before it acknowledged it; the next owner goes on after the one before."""
    log, whole, cuts, head = torn_in_the_last_append(state, worker)
    assert len(cuts) > 400
    state.lock().write_bytes(head)
    for cut in cuts:
        log.write_bytes(whole[:cut])
        assert len(state.again().load("run-1").records) == 10
    journal = state.again().acquire("run-1")
    journal.append([RunStarted()], at=4.0, state="running")
    journal.close()
    records = state.again().load("run-1").records
    assert [type(record.event) for record in records][9:] == [StepMarked, RunStarted]


def test_a_last_append_cut_off_at_any_byte_once_acknowledged_is_damage(
    state: Any, worker: Start
) -> None:
    log, whole, cuts, _ = torn_in_the_last_append(state, worker)
    for cut in cuts:
        log.write_bytes(whole[:cut])
        with pytest.raises(Damaged, match="run-1 are lost"):
            state.again().load("run-1")
    log.write_bytes(whole)
    assert len(state.again().load("run-1").records) == 11


def test_no_flipped_bit_of_the_log_goes_unseen(state: Any, worker: Start) -> None:
    acknowledged = killed_in_mid_run(state, worker)
    log = state.path.with_name("state.db-wal")
    whole = log.read_bytes()
    for bit in random.Random(1).sample(range(len(whole) * 8), 1000):
        changed = bytearray(whole)
        changed[bit // 8] ^= 1 << bit % 8
        log.write_bytes(changed)
        with pytest.raises(Damaged):
            state.again().load("run-1")
    log.write_bytes(whole)
    assert len(state.again().load("run-1").records) == acknowledged


def test_without_the_head_outside_a_truncated_log_is_not_seen(state: Any, worker: Start) -> None:
    """The control: it is the lock file that tells."""
    acknowledged = killed_in_mid_run(state, worker)
    log = state.path.with_name("state.db-wal")
    log.write_bytes(log.read_bytes()[: 8 * _FRAME_BYTES])
    state.lock().unlink()
    assert 0 < len(state.again().load("run-1").records) < acknowledged
