"""The lease of a run on a server: processes that race for it, die, sleep over it, or are elsewhere."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from fsm.errors import Conflict, Damaged, Held
from fsm.run.events import RunStarted
from fsm.stores import RedisStore
from fsm.stores.redis.journal import Lease
from fsm.stores.redis.lease import Holder
from specs.waiting import until
from tests.stores.conftest import RedisWorld
from tests.stores.test_processes import texts

Start = Callable[[], Any]


# --- expiry and renewal


def short(remote: RedisWorld, seconds: float = 0.3) -> None:
    """From now on, a lease of this world ends so soon after its holder falls silent."""
    remote.url += f"&lease={seconds}"
    remote.store = remote.again()


def left(remote: RedisWorld) -> int:
    """How many milliseconds the lease has left; negative if there is none."""
    return int(remote.ask("PTTL", "lease:run-1"))


def test_a_holder_renews_its_lease(remote: RedisWorld) -> None:
    short(remote, 3)
    remote.begin()
    seen = [3000]

    def is_longer() -> bool:
        seen.append(left(remote))
        return seen[-1] > seen[-2]

    until(is_longer, "a lease that is longer than it was")
    assert max(seen) <= 3000


def test_a_lease_that_nobody_renews_runs_out(
    remote: RedisWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: it is the renewal that keeps a run."""
    monkeypatch.setattr(Lease, "_renew", lambda _: None)
    short(remote)
    remote.begin()
    until(lambda: remote.store.holder("run-1") is None, "the end of the lease")


def test_a_paused_holder_whose_lease_ran_out_cannot_write(
    remote: RedisWorld, remote_worker: Start
) -> None:
    short(remote)
    child = remote_worker()
    assert child.ask("create", "run-1", "plan-1") == "won"
    os.kill(child.pid, signal.SIGSTOP)
    until(lambda: left(remote) < 0, "the end of the lease")
    journal = remote.store.acquire("run-1")
    os.kill(child.pid, signal.SIGCONT)
    assert child.ask("append", "late") == (
        "Conflict run run-1 was taken over by another runner (epoch 2, this one has 1); "
        "nothing was recorded by this one"
    )
    journal.append([RunStarted()], at=2.0, state="running")
    assert texts(remote) == []
    assert remote.store.holder("run-1") == os.getpid(), "its renewal does not take the run back"


def test_a_holder_that_slept_over_its_lease_goes_on_if_nobody_took_the_run(
    remote: RedisWorld, remote_worker: Start
) -> None:
    short(remote)
    child = remote_worker()
    child.ask("create", "run-1", "plan-1")
    os.kill(child.pid, signal.SIGSTOP)
    until(lambda: left(remote) < 0, "the end of the lease")
    os.kill(child.pid, signal.SIGCONT)
    assert child.ask("append", "awake") == "recorded"
    until(lambda: remote.store.holder("run-1") == child.pid, "the lease taken up again")


def test_a_run_that_was_let_go_is_free_at_once(remote: RedisWorld) -> None:
    remote.begin().close()
    assert left(remote) == -2


# --- who it is


def elsewhere(**changes: Any) -> Holder:
    return Holder.new()._replace(host="build-7", machine="0" * 36 + ":1", **changes)


def held_by(remote: RedisWorld, token: bytes, milliseconds: int = 60_000) -> None:
    remote.begin().close()
    remote.ask("SET", "lease:run-1", token, "PX", milliseconds)


def test_a_holder_on_another_machine_is_named_with_the_end_of_its_lease(
    remote: RedisWorld,
) -> None:
    held_by(remote, elsewhere(pid=12).token)
    assert remote.store.holder("run-1") == 0
    with pytest.raises(
        Held, match=r"held by another process \(pid 12 on build-7; its lease "
    ) as held:
        remote.store.acquire("run-1")
    assert held.value.pid == 0
    assert held.value.message.endswith(" unless renewed)")
    assert held.value.hint == (
        "wait for it, or stop it where it runs; if it is dead, its lease ends by itself"
    )


def test_a_process_of_another_machine_is_not_taken_for_dead(remote: RedisWorld) -> None:
    """Also not in another process namespace of this one, where the same number is another process."""
    here = Holder.new()
    boot, _, _ = here.machine.partition(":")
    for token in (elsewhere(pid=999_999_999), here._replace(pid=999_999_999, machine=f"{boot}:1")):
        held_by(remote, token.token)
        with pytest.raises(Held):
            remote.store.acquire("run-1")
        remote.ask("DEL", "lease:run-1")
        remote.store.acquire("run-1").append([RunStarted()], at=2.0, state="completed")
        remote.ask("DEL", "lease:run-1")
        remote.store.remove("run-1")


@pytest.mark.parametrize(
    "dead", [{"pid": 999_999_999}, {"started": 1}], ids=["no process", "its number used again"]
)
def test_a_dead_process_of_this_machine_holds_nothing(
    remote: RedisWorld, dead: dict[str, int]
) -> None:
    held_by(remote, Holder.new()._replace(**dead).token)
    assert remote.store.holder("run-1") is None
    remote.store.acquire("run-1").append([RunStarted()], at=2.0, state="completed")
    remote.ask("SET", "lease:run-1", Holder.new()._replace(**dead).token)
    remote.store.remove("run-1")
    assert list(remote.store.runs()) == []


def test_a_process_that_ended_and_was_not_waited_for_is_dead(
    remote: RedisWorld, remote_worker: Start
) -> None:
    child = remote_worker()
    child.ask("create", "run-1", "plan-1")
    os.kill(child.pid, signal.SIGKILL)
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert remote.store.acquire("run-1").epoch == 2


@pytest.mark.parametrize(
    "token", [b"", b"\xff\x00", b"fsm1 a b c d e", b"fsm9 h 0 1 1 " + b"0" * 32]
)
def test_a_holder_that_cannot_be_read_holds_the_run_until_its_time_is_up(
    remote: RedisWorld, token: bytes
) -> None:
    held_by(remote, token)
    assert remote.store.holder("run-1") == 0
    with pytest.raises(Held, match="on another machine; its lease ends at"):
        remote.store.acquire("run-1")


def test_a_token_is_read_as_it_was_written() -> None:
    holder = Holder.new()
    assert Holder.read(holder.token) == holder
    assert (holder.is_here, holder.is_dead) == (True, False)
    assert Holder.new() != holder


# --- what was removed elsewhere


def test_a_run_removed_from_another_machine_is_not_missed_here(remote: RedisWorld) -> None:
    remote.begin("run-1", state="completed").close()
    there = RedisStore(remote.store.address, remote.state.with_name("another-machine"))
    there.remove("run-1")
    assert list(remote.store.runs()) == []
    with pytest.raises(Exception, match="there is no run run-1"):
        remote.store.load("run-1")
    remote.ask("DEL", "removed")
    with pytest.raises(Damaged, match="records of run run-1 are lost"):
        remote.store.runs()


def test_two_runners_that_both_believe_they_have_the_run_do_not_both_write(
    remote: RedisWorld,
) -> None:
    """Whatever becomes of leases: the epoch alone decides."""
    journals = [remote.begin()]
    for _ in range(3):
        remote.lose_owner("run-1")
        journals.append(remote.again().acquire("run-1"))
    for journal in journals[:-1]:
        with pytest.raises(Conflict):
            journal.append([RunStarted()], at=2.0, state="running")
    journals[-1].append([RunStarted()], at=2.0, state="running")
    assert [record.epoch for record in remote.store.load("run-1").records] == [1, 4]
    assert replace(remote.store.runs()[0]).state == "running"
