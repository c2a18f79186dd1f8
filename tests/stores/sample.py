"""What the stored samples of each format hold."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest

from fsm.engine.ports import Approval, RunSummary, Store
from fsm.run.events import RunCreated, RunStarted, StepFailed, StepStarted

__all__ = ["SAMPLES", "sample_runs", "write_records_as_sampled"]

SAMPLES = Path(__file__).parent / "samples"


def sample_runs(store: Store) -> None:
    """A run that was taken over and one that used an approval."""
    document = b'{"id":"release"}'
    digest = sha256(document).hexdigest()
    for by, how in (("ann", "prompt"), ("Zoë", "approve")):
        store.approve(Approval(digest, by, 1763700000.25, how))
    created = RunCreated(digest=digest, by="ann")
    for run_id, at in (("20261121-0001", 1763700001.5), ("20261121-0002", 1763700002.5)):
        summary = RunSummary(run_id, "release", "Release – 1.0", digest, "pending", at, at)
        approval = store.approvals(digest)[0] if run_id.endswith("2") else None
        journal = store.create(summary, document, [created], approval=approval)
        journal.append([RunStarted(), StepStarted("build", 1)], at=at + 1, state="running")
        journal.close()
        journal = store.acquire(run_id)
        failed = StepFailed("build", 1, "exit 2", 0.5, 2, "töö\nline", 1763700009.0)
        journal.append([failed], at=at + 2, state="failed")
        journal.close()


def write_records_as_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Records and checkpoints have versions of their own, whatever the format that a store keeps them in."""
    monkeypatch.setattr("fsm.engine.journal.VERSION", 2)
    monkeypatch.setattr("fsm.engine.checkpoint.VERSION", 1)
