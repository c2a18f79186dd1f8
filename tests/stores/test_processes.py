"""The stores among processes: killed by -9, racing, reading what others write."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import pytest

from fsm.errors import Conflict, Damaged, Held, Refused
from fsm.run.events import RunStarted, StepMarked
from fsm.stores.lock import heads

from .conftest import world_of

Start = Callable[[], Any]


@pytest.fixture(params=["sqlite", "json", "redis"])
def state(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """A store that processes may share; its folder does not exist yet."""
    return world_of(request, tmp_path)


on_a_disk = pytest.mark.parametrize("state", ["sqlite", "json"], indirect=True)


def texts(world: Any, run_id: str = "run-1") -> list[str]:
    return [e.reason for e in world.events(run_id) if isinstance(e, StepMarked)]


def acknowledged_survives(state: Any, child: Any, run_id: str, *orders: str) -> None:
    assert child.ask("create", run_id, f"plan of {run_id}".replace(" ", "-")) == "won"
    for order in orders:
        child.ask(order)
    child.say("append_forever")
    acknowledged = [int(child.hear()) for _ in range(40)]
    child.kill()
    recorded = [int(text) for text in texts(state, run_id)]
    assert recorded[: len(acknowledged)] == acknowledged
    assert recorded == list(range(1, len(recorded) + 1))


def test_what_was_acknowledged_survives_the_kill_of_its_writer(state: Any, worker: Start) -> None:
    for turn in range(5):
        acknowledged_survives(state, worker(), f"run-{turn}")


def test_a_store_that_acknowledges_too_early_is_caught(state: Any, worker: Start) -> None:
    with pytest.raises((AssertionError, Damaged)):
        acknowledged_survives(state, worker(), "run-1", "acknowledge_too_early")


def test_a_killed_holder_holds_nothing(state: Any, worker: Start) -> None:
    state.begin().close()
    child = worker()
    assert child.ask("acquire", "run-1") == "won"
    assert state.again().holder("run-1") == child.pid
    with pytest.raises(Held) as held:
        state.again().acquire("run-1")
    assert held.value.pid == child.pid
    assert str(held.value).startswith(f"run run-1 is held by another process (pid {child.pid})")
    child.kill()
    assert state.again().holder("run-1") is None
    journal = state.again().acquire("run-1")
    assert journal.epoch == 3
    journal.append([RunStarted()], at=3.0, state="running")


def test_of_processes_that_take_a_run_one_gets_it(state: Any, worker: Start) -> None:
    state.begin().close()
    children = [worker() for _ in range(4)]
    named = 0
    for _ in range(20):
        for child in children:
            child.say("acquire", "run-1")
        answers = {child.pid: child.hear() for child in children}
        winners = [child for child in children if answers[child.pid] == "won"]
        assert len(winners) == 1, answers
        pid = winners[0].pid
        losers = [answer for answer in answers.values() if answer != "won"]
        assert set(losers) <= {f"held {pid}", "held 0"}, answers
        named += losers.count(f"held {pid}")
        assert winners[0].ask("append", "turn") == "recorded"
        assert winners[0].ask("release") == "released"
    assert named
    records = state.again().load("run-1").records
    assert [record.epoch for record in records] == list(range(1, 22))


def test_of_processes_that_begin_a_plan_one_may(state: Any, worker: Start) -> None:
    children = [worker() for _ in range(4)]
    for turn in range(20):
        for number, child in enumerate(children):
            child.say("create", f"run-{turn}-{number}", f"plan-{turn}")
        answers = [child.hear() for child in children]
        assert answers.count("won") == 1, answers
        winner = f"run-{turn}-{answers.index('won')}"
        refused = f"refused plan plan-{turn} has an unfinished run {winner} (running)"
        assert answers.count(refused) == 3, answers
        children[answers.index("won")].ask("release")
    assert len(state.again().runs()) == 20


@on_a_disk
def test_processes_that_make_the_store_at_once_make_one(state: Any, worker: Start) -> None:
    children = [worker() for _ in range(4)]
    for child in children:
        child.say("approve", f"user-{child.pid}")
    assert [child.hear() for child in children] == ["approved"] * 4
    assert len(state.again().approvals("0" * 64)) == 4
    hidden = [file.name for file in state.folder.rglob(".*")]
    assert {*hidden, ".approvals.lock"} == {".approvals.lock", ".gitignore"}


def test_a_run_is_read_while_another_process_writes_it(state: Any, worker: Start) -> None:
    child = worker()
    child.ask("create", "run-1", "plan-1")
    child.say("append_forever")
    lengths = []
    for _ in range(50):
        acknowledged = int(child.hear())
        recorded = [int(text) for text in texts(state)]
        assert recorded == list(range(1, len(recorded) + 1))
        assert len(recorded) >= acknowledged
        lengths.append(len(recorded))
    assert lengths == sorted(lengths)
    child.kill()


@pytest.fixture
def begun_too_late(state: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The first run begins between the look for a store, in vain, and all that follows."""
    spot = state.first_look
    before = resolve_name(spot)

    def look(*_: Any) -> None:
        monkeypatch.setattr(spot, before)
        state.begin()

    monkeypatch.setattr(spot, look)
    return state


@on_a_disk
def test_runs_that_begin_while_they_are_listed_are_no_damage(begun_too_late: Any) -> None:
    assert {run.run_id for run in begun_too_late.store.runs()} <= {"run-1"}
    assert len(begun_too_late.store.runs()) == 1


@on_a_disk
def test_a_run_that_begins_while_it_is_looked_for_is_no_damage(begun_too_late: Any) -> None:
    with pytest.raises(Refused, match="there is no run run-1"):
        begun_too_late.store.load("run-1")


@on_a_disk
def test_a_run_that_is_removed_while_the_runs_are_listed_is_no_damage(
    state: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    state.begin("run-1", state="completed").close()
    state.begin("run-2").close()
    spot = f"{type(state.store).__module__}.heads"

    def look(folder: Path) -> Any:
        found = heads(folder)
        monkeypatch.setattr(spot, heads)
        state.again().remove("run-1")
        return found

    monkeypatch.setattr(spot, look)
    assert [run.run_id for run in state.store.runs()] == ["run-2"]


def test_a_runner_whose_run_was_taken_by_another_process_cannot_write(
    state: Any, worker: Start
) -> None:
    former = state.begin()
    state.lose_owner("run-1")
    child = worker()
    assert child.ask("acquire", "run-1") == "won"
    with pytest.raises(Conflict):
        former.append([RunStarted()], at=2.0, state="running")
    assert child.ask("append", "mine") == "recorded"
    assert texts(state) == ["mine"]
