"""What steps of a runner that died are still doing."""

from __future__ import annotations

import os
from collections.abc import Iterable

from fsm.actions.kin import mark_of
from fsm.actions.proc import all_pids, carries, command_line, look_at

__all__ = ["survivors"]


def survivors(run_id: str, attempts: Iterable[tuple[str, int]]) -> list[str]:
    """`pid N COMMAND` of every living process of these attempts (step id and number) of the run (F45)."""
    marks = [
        mark_of({"FSM_RUN_ID": run_id, "FSM_STEP_ID": step, "FSM_ATTEMPT": str(attempt)})
        for step, attempt in attempts
    ]
    found = []
    for pid in all_pids() if marks else ():
        if pid == os.getpid() or not any(carries(pid, mark) for mark in marks):
            continue
        process = look_at(pid)
        if process is not None and process.running:
            found.append(f"pid {pid} {command_line(pid)}")
    return found
