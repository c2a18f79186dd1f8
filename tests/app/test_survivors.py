"""What is looked at before a run whose runner died is taken up again."""

from __future__ import annotations

import fcntl
import os
from collections import Counter
from pathlib import Path

import pytest

from fsm.actions.processes import survivors
from fsm.actions.processes.ledger import LEDGER
from fsm.app.survivors import settle_survivors
from fsm.app.workspace import Workspace
from fsm.plan.model import Call, Plan, Step
from fsm.run import Run
from fsm.run import events as on


@pytest.fixture
def died(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Workspace, Run]:
    """A run of which two steps were in flight; nobody is at work for them."""
    monkeypatch.chdir(tmp_path)
    call = Call(skill="shell", action="run", params={"command": "true"})
    steps = tuple(Step(id=name, name=name, call=call) for name in ("a", "b"))
    plan = Plan(id="plan", name="plan", steps=steps, parallel=2)
    run = Run(plan, f"run-{tmp_path.name}")
    for event in (
        on.RunCreated(plan.digest),
        on.RunApproved(plan.digest, "somebody", "test"),
        on.RunValidated(plan.digest),
        on.RunStarted(),
        on.StepStarted("a", 1),
        on.StepStarted("b", 1),
    ):
        run.apply(event)
    return Workspace.here(), run


def test_every_process_is_looked_at_once_when_the_shim_has_gone(
    died: tuple[Workspace, Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at: Counter[int] = Counter()
    look = survivors.marks

    def marks(pid: int) -> frozenset[bytes]:
        looked_at[pid] += 1
        return look(pid)

    monkeypatch.setattr(survivors, "marks", marks)
    assert settle_survivors(*died, "refuse") == ()
    assert os.getppid() in looked_at
    assert set(looked_at.values()) == {1}


def test_while_the_shim_is_there_it_is_looked_again_when_it_has_gone(
    died: tuple[Workspace, Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until then it may begin what it was told to by one who has died since."""
    workspace, run = died
    folder = workspace.logs / run.run_id
    folder.mkdir(parents=True)
    shim = os.open(folder / LEDGER, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(shim, fcntl.LOCK_EX)
    looks: list[str] = []

    def look(run_id: str, *_: object) -> list[survivors.Survivor]:
        if not looks:
            os.close(shim)
        looks.append(run_id)
        return []

    monkeypatch.setattr(survivors, "survivors", look)
    assert settle_survivors(workspace, run, "refuse") == ()
    assert looks == [run.run_id, run.run_id]


def test_who_was_begun_while_all_were_looked_at_is_seen(
    died: tuple[Workspace, Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The child of one who ends before his turn: only the child carries the mark then."""
    run = died[1]
    entries = frozenset({b"FSM_RUN_ID=" + run.run_id.encode(), b"FSM_STEP_ID=a", b"FSM_ATTEMPT=1"})
    lists = iter([[1, 2], [1, 3], [1, 3]])
    monkeypatch.setattr(survivors, "all_pids", lambda: next(lists))
    monkeypatch.setattr(survivors, "marks", lambda pid: entries if pid == 3 else frozenset())
    attempts = [survivors.InFlight("a", 1, "")]
    pids, carriers = survivors._all_and_carriers({entries: attempts[0]})
    assert pids == {1, 2, 3}
    assert carriers == {3: attempts[0]}
