"""The write-ahead log that a killed writer of the SQLite store leaves: truncated, flipped, and seen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from fsm.errors import Damaged

Start = Callable[[], Any]


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
    for length in range(0, len(whole), 4096 + 24):
        log.write_bytes(whole[:length])
        with pytest.raises(Damaged) as damaged:
            state.again().load("run-1")
        assert str(state.path) in damaged.value.message
        assert "run-1" in damaged.value.message
        with pytest.raises(Damaged):
            state.again().acquire("run-1")
    log.write_bytes(whole)
    assert len(state.again().load("run-1").records) == acknowledged


def test_a_flipped_log_is_seen(state: Any, worker: Start) -> None:
    killed_in_mid_run(state, worker)
    log = state.path.with_name("state.db-wal")
    whole = log.read_bytes()
    for place in range(40, len(whole), len(whole) // 50):
        changed = bytearray(whole)
        changed[place] ^= 4
        log.write_bytes(changed)
        with pytest.raises(Damaged):
            state.again().load("run-1")


def test_without_the_head_outside_a_truncated_log_is_not_seen(state: Any, worker: Start) -> None:
    """The control: it is the lock file that tells."""
    acknowledged = killed_in_mid_run(state, worker)
    log = state.path.with_name("state.db-wal")
    log.write_bytes(log.read_bytes()[: 8 * (4096 + 24)])
    state.lock().unlink()
    assert 0 < len(state.again().load("run-1").records) < acknowledged
