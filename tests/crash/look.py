"""What there is to see after a death: the stored run, its approvals, and what happened in the world."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fsm.app.workspace import Workspace
from fsm.engine.journal import Record
from fsm.engine.ports import Approval
from fsm.engine.recovery import open_run, refold
from fsm.plan.model import Plan
from fsm.run import Run
from fsm.run import events as on
from fsm.run.snapshot import snapshot

from .ledger import Effect, Ledger

__all__ = ["Attempt", "Look", "Pending", "look", "pending"]

Attempt = tuple[str, str, int]
"""Step, purpose (`run` or `rollback`), number."""


@dataclass(frozen=True)
class Look:
    """`run` is None if there is none yet; `index` is the state that the store's index gives it.

    `acknowledged` holds (epoch, number of events) for each write that came back to its caller, `ends` the
    exit codes of the attempts whose end a shim saw after its runner had died. `restored` is the state to
    which the newest checkpoint leads with what follows it, `replayed` that of the journal alone; `set_aside`
    says which checkpoints led nowhere.
    """

    runs: int
    approvals: Sequence[Approval]
    effects: Sequence[Effect]
    acknowledged: Sequence[tuple[int, int]]
    run: Run | None = None
    index: str = ""
    holder: int | None = None
    records: Sequence[Record] = ()
    events: Sequence[on.Event] = ()
    ends: Mapping[Attempt, int] = field(default_factory=dict)
    restored: Mapping[str, object] = field(default_factory=dict)
    replayed: Mapping[str, object] = field(default_factory=dict)
    set_aside: Sequence[str] = ()

    @property
    def state(self) -> str:
        return self.run.state if self.run else ""


@dataclass(frozen=True)
class Pending:
    """What the journal says has begun and not ended: attempts, by step, forward and compensating."""

    running: dict[str, int]
    undoing: dict[str, int]

    @property
    def attempts(self) -> Sequence[Attempt]:
        forward = [(step, "run", attempt) for step, attempt in self.running.items()]
        return forward + [(step, "rollback", attempt) for step, attempt in self.undoing.items()]


def look(folder: Path, url: str, plan: Plan) -> Look:
    """Everything that a dead process left, read by another one. Raises `Damaged`, as any reader gets it."""
    workspace = Workspace(folder, url)
    store = workspace.store
    told = folder / "acknowledged"
    lines = told.read_text().splitlines() if told.exists() else []
    acknowledged = [(int(epoch), int(count)) for epoch, count in map(str.split, lines)]
    runs = store.runs()
    approvals, effects = store.approvals(plan.digest), Ledger(folder, url).read()
    if not runs:
        return Look(0, approvals, effects, acknowledged)
    run_id = runs[0].run_id
    stored, taken = store.load(run_id), open_run(store, run_id)
    run, at = refold(stored), max((each.at for each in store.checkpoints(run_id)), default=0.0)
    return Look(
        len(runs),
        approvals,
        effects,
        acknowledged,
        run,
        stored.summary.state,
        store.holder(run_id),
        stored.records,
        [record.event for record in stored.records],
        _ends(workspace.logs / run_id / "processes.jsonl"),
        _state(taken.run, at),
        _state(run, at),
        taken.warnings,
    )


def pending(events: Sequence[on.Event]) -> Pending:
    """What is in flight, from the facts alone: nothing of `Run` is asked."""
    running: dict[str, int] = {}
    undoing: dict[str, int] = {}
    for event in events:
        match event:
            case on.StepStarted(step, attempt):
                running[step] = attempt
            case on.StepCompleted(step) | on.StepFailed(step) | on.StepCancelled(step):
                running.pop(step, None)
            case on.UndoStarted(step, attempt):
                undoing[step] = attempt
            case on.UndoCompleted(step) | on.UndoFailed(step) | on.UndoCancelled(step):
                undoing.pop(step, None)
            case on.RunnerLost():
                running.clear()
                undoing.clear()
    return Pending(running, undoing)


def _ends(ledger: Path) -> Mapping[Attempt, int]:
    lines = ledger.read_text().splitlines() if ledger.exists() else []
    facts = [json.loads(line) for line in lines]
    return {
        (fact["step"], fact["purpose"], fact["attempt"]): fact["status"]
        for fact in facts
        if fact["status"] is not None
    }


def _state(run: Run, at: float) -> Mapping[str, object]:
    """Where the run stands, but for retries that were due at that moment: those nobody waits for any more."""
    state: dict[str, Any] = snapshot(run)
    for cells in state["steps"].values():
        if cells.get("not_before", 0.0) <= at:
            cells.pop("not_before", None)
    return state
