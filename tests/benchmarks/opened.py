"""One run of 10,000 steps, all done but the last few: stored, or opened.

`python opened.py FOLDER prepare` stores it with a checkpoint a few records before the end; `… checkpoint`
opens it from there and `… whole` replays its whole journal; both tell what that cost beyond imports.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from meter import Meter, say

from fsm.engine.checkpoint import Checkpoint, encode
from fsm.engine.ports import RunSummary
from fsm.engine.recovery import open_run, refold
from fsm.plan.model import Call, Plan, Rollback, Step
from fsm.run import Run
from fsm.run import events as on
from fsm.run.snapshot import snapshot
from fsm.stores import SqliteStore

STEPS = 10_000
LEFT = 5
AFTER = 10
RUN_ID = "run-1"


def main() -> None:
    folder, what = Path(sys.argv[1]), sys.argv[2]
    store = SqliteStore(folder / "state.db")
    if what == "prepare":
        _prepare(store)
        return
    store.runs()
    meter = Meter()
    if what == "checkpoint":
        taken = open_run(store, RUN_ID)
        assert taken.checkpoint > 0
        run = taken.run
    else:
        run = refold(store.load(RUN_ID))
    done = sum(record.state == "completed" for record in run.steps)
    say({**meter.read(), "done": done})


def _prepare(store: SqliteStore) -> None:
    call = Call(skill="noop", action="pass")
    names = [f"step-{n}" for n in range(STEPS)]
    steps = tuple(Step(id=n, name=n, call=call, rollback=Rollback(call=call)) for n in names)
    plan = Plan(id="long", name="long", steps=steps)
    events = [*_events(plan.digest, names)]
    run = Run(plan, RUN_ID)
    for event in events[:-AFTER]:
        run.apply(event)
    summary = RunSummary(RUN_ID, plan.id, plan.name, plan.digest, run.state, 0.0, 0.0)
    journal = store.create(summary, plan.document, events[:-AFTER])
    state = snapshot(run)
    journal.keep(encode(Checkpoint(journal.seq, journal.hash, 0.0, "", state)))
    journal.append(events[-AFTER:], at=1.0, state="running")
    journal.close()
    store.close()


def _events(digest: str, names: list[str]) -> Iterator[on.Event]:
    yield on.RunCreated(digest)
    yield on.RunApproved(digest, "somebody", "test")
    yield on.RunValidated(digest)
    yield on.RunStarted()
    for name in names[:-LEFT]:
        yield on.StepStarted(name, 1)
        yield on.StepCompleted(name, 1, 0.125)


main()
