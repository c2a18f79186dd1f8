"""What a server must be before it is written to, and what happens when it goes, comes back, and forgets."""

from __future__ import annotations

import resource
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis

from fsm.errors import Conflict, Damaged, StateUnavailable
from fsm.run.events import RunStarted, StepMarked
from fsm.stores import open_store
from fsm.stores.redis import server as redis_server
from fsm.stores.redis.url import parse
from specs.waiting import until
from tests.stores.conftest import RedisWorld
from tests.stores.server import Server

Start = Callable[..., Server]
STARTED = RunStarted()


def note(number: int) -> StepMarked:
    return StepMarked("s", "done", "ann", str(number))


def noted(world: RedisWorld) -> list[int]:
    return [int(e.reason) for e in world.events() if isinstance(e, StepMarked)]


def append(journal: Any, *numbers: int) -> None:
    for number in numbers:
        journal.append([note(number)], at=2.0, state="running")


# --- settings (F26)


@pytest.mark.parametrize(
    ("settings", "wrong", "mended"),
    [
        ({"appendonly": "no"}, "appendonly is no", "CONFIG SET appendonly yes"),
        (
            {"appendfsync": "everysec"},
            "appendfsync is everysec",
            "CONFIG SET appendfsync always",
        ),
        ({"appendfsync": "no"}, "appendfsync is no", "CONFIG SET appendfsync always"),
        (
            {"maxmemory": "50mb", "maxmemory_policy": "allkeys-lru"},
            "maxmemory-policy is allkeys-lru",
            "CONFIG SET maxmemory-policy noeviction",
        ),
        (
            {"no_appendfsync_on_rewrite": "yes"},
            "no-appendfsync-on-rewrite is yes",
            "CONFIG SET no-appendfsync-on-rewrite no",
        ),
    ],
    ids=["no log", "a sync a second", "no sync", "eviction", "no sync while it rewrites"],
)
def test_a_server_that_may_lose_what_it_acknowledged_is_not_written_to(
    own_server: Start, tmp_path: Path, settings: dict[str, str], wrong: str, mended: str
) -> None:
    server = own_server(**settings)
    world = RedisWorld(server, tmp_path / ".fsm")
    for write in (world.begin, lambda: world.store.approve(an_approval(world))):
        with pytest.raises(StateUnavailable) as refused:
            write()
        assert refused.value.message == (
            f"{world.store.address.shown}: the server may lose records that it acknowledged: {wrong}"
        )
        assert refused.value.hint == (
            f"set on the server: {mended}; CONFIG REWRITE (or the same in its configuration file); "
            "nothing was written"
        )
    assert server.ask("DBSIZE") == 0
    assert list(world.store.runs()) == []
    for command in mended.removeprefix("set on the server: ").split("; "):
        server.ask(*command.split())
    world.begin()
    assert len(world.store.runs()) == 1


def test_every_wrong_setting_is_told_at_once(own_server: Start, tmp_path: Path) -> None:
    world = RedisWorld(own_server(appendonly="no", appendfsync="no"), tmp_path)
    with pytest.raises(StateUnavailable, match="appendonly is no, appendfsync is no"):
        world.begin()


def test_a_server_without_a_limit_evicts_nothing_whatever_its_policy(
    own_server: Start, tmp_path: Path
) -> None:
    RedisWorld(own_server(maxmemory="0", maxmemory_policy="allkeys-lru"), tmp_path).begin()


def test_a_run_whose_server_was_set_otherwise_can_still_be_read(
    own_server: Start, tmp_path: Path
) -> None:
    server = own_server()
    world = RedisWorld(server, tmp_path / ".fsm")
    append(world.begin(), 1)
    server.ask("CONFIG", "SET", "appendfsync", "everysec")
    assert noted(world) == [1]
    with pytest.raises(StateUnavailable, match="appendfsync is everysec"):
        world.again().acquire("run-1")


def test_a_server_that_came_back_with_other_settings_takes_no_more(
    own_server: Start, tmp_path: Path
) -> None:
    """The connection breaks, and the new one is looked at again."""
    server = own_server()
    world = RedisWorld(server, tmp_path / ".fsm", "&timeout=5")
    journal = world.begin()
    append(journal, 1)
    server.kill()
    server.settings["appendfsync"] = "everysec"
    server.start()
    with pytest.raises(StateUnavailable, match="appendfsync is everysec"):
        append(journal, 2)
    assert noted(world) == [1]


def an_approval(world: RedisWorld) -> Any:
    from fsm.engine.ports import Approval

    return Approval(world.plan()[0], "ann", 5.0, "prompt")


@pytest.fixture
def managed(own_server: Start, tmp_path: Path) -> Callable[..., RedisWorld]:
    """A server that does not let its user ask for settings, as managed ones do."""

    def begin(denied: str = "-config", options: str = "", **settings: str) -> RedisWorld:
        server = own_server(**settings)
        rights = ("on", ">pass", "~*", "+@all", *denied.split())
        server.ask("ACL", "SETUSER", "app", *rights)
        world = RedisWorld(server, tmp_path / ".fsm", options)
        world.url = world.url.replace("://", "://app:pass@")
        world.store = world.again()
        return world

    return begin


def test_what_a_server_does_not_tell_is_not_believed(managed: Callable[..., RedisWorld]) -> None:
    world = managed()
    with pytest.raises(StateUnavailable) as refused:
        world.begin()
    assert refused.value.message.endswith(
        "the server does not tell whether it keeps what it acknowledged: appendfsync, "
        "no-appendfsync-on-rewrite cannot be read"
    )
    assert "`unchecked=yes`" in refused.value.hint
    assert world.server.ask("DBSIZE") == 0
    assert list(world.store.runs()) == []


def test_who_answers_for_it_may_use_a_server_that_does_not_tell(
    managed: Callable[..., RedisWorld],
) -> None:
    append(managed(options="&unchecked=yes").begin(), 1)


def test_a_server_that_tells_nothing_at_all_needs_the_same_word(
    managed: Callable[..., RedisWorld],
) -> None:
    with pytest.raises(
        StateUnavailable, match=r"appendonly, appendfsync, .*maxmemory-policy cannot"
    ):
        managed("-config -info").begin()
    append(managed("-config -info", options="&unchecked=yes").begin(), 1)


def test_no_word_helps_against_what_is_known_to_be_wrong(
    managed: Callable[..., RedisWorld],
) -> None:
    """What `INFO` tells is enough for that."""
    for settings in (
        {"appendonly": "no"},
        {"maxmemory": "50mb", "maxmemory_policy": "volatile-ttl"},
    ):
        world = managed(options="&unchecked=yes", **settings)
        with pytest.raises(StateUnavailable, match="may lose records"):
            world.begin()
        assert world.server.ask("DBSIZE") == 0


def test_a_user_without_scripts_is_told_what_is_needed(
    managed: Callable[..., RedisWorld],
) -> None:
    world = managed("-eval -evalsha")
    with pytest.raises(StateUnavailable, match="does not permit this user") as refused:
        world.begin()
    assert refused.value.hint.startswith(
        "let it use EVALSHA, EVAL, MULTI and data commands on keys ~t"
    )


def test_a_replica_is_read_and_not_written(own_server: Start, tmp_path: Path) -> None:
    primary, replica = own_server(), own_server()
    journal = RedisWorld(primary, tmp_path / ".fsm")
    append(journal.begin(), 1)
    replica.ask("REPLICAOF", "127.0.0.1", primary.port)
    until(lambda: replica.ask("INFO")["master_link_status"] == "up", "the copy")
    copy = RedisWorld(replica, tmp_path / "other")
    copy.url = copy.url.replace(copy.prefix, journal.prefix)
    copy.store = copy.again()
    assert noted(copy) == [1]
    with pytest.raises(StateUnavailable, match=r"the server is a replica of 127.0.0.1") as refused:
        copy.store.acquire("run-1")
    assert refused.value.hint == "name the primary with --state"


def test_a_primary_that_becomes_a_replica_takes_no_more(own_server: Start, tmp_path: Path) -> None:
    primary, other = own_server(), own_server()
    world = RedisWorld(primary, tmp_path / ".fsm")
    journal = world.begin()
    primary.ask("REPLICAOF", "127.0.0.1", other.port)
    with pytest.raises(StateUnavailable, match="the server is a replica"):
        append(journal, 1)


def test_an_old_server_is_told_by_its_version(monkeypatch: pytest.MonkeyPatch) -> None:
    from fsm.stores.redis.settings import refuse_settings
    from fsm.stores.redis.url import parse

    def ask(*command: str) -> Any:
        return (
            b"# Server\r\nredis_version:4.0.14\r\nrole:master\r\n" if command == ("INFO",) else []
        )

    with pytest.raises(StateUnavailable, match=r"of version 4\.0\.14, which has no streams") as old:
        refuse_settings(ask, parse("redis://h"))
    assert old.value.hint == "use Redis 5 or newer, or Valkey"


def test_a_full_server_takes_no_more_and_keeps_all(own_server: Start, tmp_path: Path) -> None:
    server = own_server()
    world = RedisWorld(server, tmp_path / ".fsm")
    journal = world.begin()
    append(journal, 1)
    server.ask("CONFIG", "SET", "maxmemory", "1")
    with pytest.raises(StateUnavailable, match="the server is full") as full:
        append(journal, 2)
    assert full.value.hint == "raise its maxmemory, then: fsm resume run-1"
    assert noted(world) == [1]
    server.ask("CONFIG", "SET", "maxmemory", "0")
    journal.close()
    append(world.again().acquire("run-1"), 2)
    assert noted(world) == [1, 2]


# --- going and coming back (F23, F24)


def test_a_server_killed_and_started_again_in_mid_run_is_waited_for(
    own_server: Start, tmp_path: Path
) -> None:
    server = own_server()
    world = RedisWorld(server, tmp_path / ".fsm", "&timeout=30")
    journal = world.begin()
    append(journal, 1, 2)
    for number in (3, 4, 5):
        server.kill()
        starter = threading.Thread(target=server.start)
        starter.start()
        append(journal, number)
        starter.join()
    assert noted(world) == [1, 2, 3, 4, 5]


def test_what_was_acknowledged_survives_the_kill_of_the_server(
    own_server: Start, tmp_path: Path
) -> None:
    acknowledged_survives(own_server(), tmp_path)


def acknowledged_survives(server: Server, folder: Path) -> None:
    world = RedisWorld(server, folder / ".fsm", "&timeout=0.1")
    journal = world.begin()
    acknowledged: list[int] = []
    killer = threading.Timer(0.2, server.kill)
    killer.start()

    def go_on() -> None:
        while True:
            append(journal, len(acknowledged) + 1)
            acknowledged.append(len(acknowledged) + 1)

    with pytest.raises(StateUnavailable):
        go_on()
    killer.join()
    server.start()
    recorded = noted(world)
    assert acknowledged
    assert recorded[: len(acknowledged)] == acknowledged
    assert len(recorded) <= len(acknowledged) + 1


def test_a_server_that_keeps_no_log_is_caught(
    own_server: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: without the look at the settings, acknowledged records are lost, and that shows."""
    monkeypatch.setattr(redis_server, "refuse_settings", lambda *_: None)
    with pytest.raises(Damaged, match="records of run run-1 are lost"):
        acknowledged_survives(own_server(appendonly="no"), tmp_path)


@pytest.mark.parametrize(
    ("scheme", "rest", "hint"),
    [
        ("rediss", "0?timeout=0.2", "if it speaks no TLS, write redis://"),
        ("redis", "99", "end the URL with the number of a database that the server has"),
    ],
)
def test_a_url_that_does_not_fit_the_server_is_told_so(
    own_server: Start, tmp_path: Path, scheme: str, rest: str, hint: str
) -> None:
    port = own_server().port
    store = open_store(f"{scheme}://127.0.0.1:{port}/{rest}", tmp_path)
    with pytest.raises(StateUnavailable) as told:
        store.runs()
    assert hint in told.value.hint


def test_a_server_that_nobody_named_and_is_not_there_can_be_named(tmp_path: Path) -> None:
    server = redis_server.Server(parse("redis://"))
    gone = server._unavailable(redis.ConnectionError("refused"), "")
    assert gone.hint == "start it, or name another in FSM_REDIS_URL or --state; then try again"


def test_a_server_that_is_gone_is_given_up_and_the_run_can_be_taken_up_later(
    own_server: Start, tmp_path: Path
) -> None:
    server = own_server()
    world = RedisWorld(server, tmp_path / ".fsm", "&timeout=0.2&lease=1")
    journal = world.begin()
    append(journal, 1)
    server.kill()
    with pytest.raises(StateUnavailable, match="the server cannot be reached") as gone:
        append(journal, 2)
    assert gone.value.message.endswith("whether the last events were recorded is not known")
    assert gone.value.hint == "start it, or mend the URL; then: fsm resume run-1"
    with pytest.raises(StateUnavailable, match="may no longer write"):
        append(journal, 2)
    journal.close()
    server.start()
    assert noted(world) == [1]
    until(lambda: world.store.holder("run-1") is None, "the end of a lease that nobody could end")
    append(world.again().acquire("run-1"), 2)
    assert noted(world) == [1, 2]


def test_a_server_that_does_not_answer_is_given_up(own_server: Start, tmp_path: Path) -> None:
    server = own_server()
    world = RedisWorld(server, tmp_path / ".fsm", "&timeout=0.2")
    journal = world.begin()
    server.pause()
    with pytest.raises(StateUnavailable, match=r"did not answer within 0\.2 seconds.*not known"):
        append(journal, 1)
    with pytest.raises(StateUnavailable, match=r"did not answer within 0\.2 seconds"):
        world.again().runs()
    server.go_on()
    assert noted(world) in ([], [1])


def test_a_server_that_never_answered_is_not_waited_for(
    own_server: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = own_server()
    server.kill()
    world = RedisWorld(server, tmp_path, "&timeout=60")
    with monkeypatch.context() as patch:
        patch.setattr(redis_server.time, "sleep", lambda _: pytest.fail("it waits"))
        for ask in (world.begin, world.store.runs, lambda: world.store.approve(an_approval(world))):
            with pytest.raises(StateUnavailable, match="the server cannot be reached") as gone:
                ask()
            assert "not known" not in gone.value.message
    server.start()
    world.begin()


@contextmanager
def answers_lost(monkeypatch: pytest.MonkeyPatch, times: int) -> Iterator[list[str]]:
    """The server does what it is told, and the connection breaks before it can say so."""
    done: list[str] = []
    evaluate = redis_server._evaluate

    def lose(client: Any, script: Any, *rest: Any) -> list[Any]:
        answer = evaluate(client, script, *rest)
        if len(done) < times:
            done.append(script.sha)
            client.connection_pool.disconnect()
            raise redis.ConnectionError("Connection reset by peer")
        return answer

    with monkeypatch.context() as patch:
        patch.setattr(redis_server, "_evaluate", lose)
        yield done


def test_an_answer_that_is_lost_makes_nothing_happen_twice(
    remote: RedisWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    consent = an_approval(remote)
    remote.store.approve(consent)
    with answers_lost(monkeypatch, 2) as lost:
        remote.store.approve(consent)
    assert len(lost) == 2
    assert len(remote.store.approvals(consent.digest)) == 2
    with answers_lost(monkeypatch, 2) as lost:
        journal = remote.begin(approval=consent)
    assert (len(lost), journal.epoch, len(remote.events())) == (2, 1, 1)
    assert len(remote.store.approvals(consent.digest)) == 1
    for number, state in ((1, "running"), (2, "paused")):
        with answers_lost(monkeypatch, 2) as lost:
            journal.append([note(number)] if number == 1 else [], at=3.0, state=state)
        assert len(lost) == 2
    assert noted(remote) == [1]
    assert remote.store.runs()[0].state == "paused"
    journal.close()
    with answers_lost(monkeypatch, 2) as lost:
        journal = remote.again().acquire("run-1")
    assert (len(lost), journal.epoch) == (2, 2)
    journal.append([note(2)], at=4.0, state="completed")
    journal.close()
    with answers_lost(monkeypatch, 2) as lost:
        remote.store.remove("run-1")
    assert len(lost) == 2
    assert list(remote.store.runs()) == []


def test_an_answer_lost_to_another_runner_is_told_from_ones_own(
    remote: RedisWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While this one's append waits to be sent again, another takes the run and appends."""
    journal = remote.begin()
    evaluate, calls = redis_server._evaluate, []

    def interrupted(client: Any, script: Any, *rest: Any) -> list[Any]:
        calls.append(script)
        if len(calls) == 1:
            remote.lose_owner("run-1")
            append(remote.again().acquire("run-1"), 7)
            raise redis.TimeoutError("Timeout reading from socket")
        return evaluate(client, script, *rest)

    monkeypatch.setattr(redis_server, "_evaluate", interrupted)
    with pytest.raises(Conflict, match="was taken over by another runner"):
        append(journal, 1)
    assert noted(remote) == [7]


def test_a_late_server_does_not_write_what_was_given_up_and_sent_again_twice(
    own_server: Start, tmp_path: Path
) -> None:
    """It sleeps over the first sending, and finds both when it wakes."""
    server = own_server()
    world = RedisWorld(server, tmp_path / ".fsm", "&timeout=1")
    journal = world.begin()
    server.pause()
    waker = threading.Timer(1.3, server.go_on)
    waker.start()
    append(journal, 1)
    waker.join()
    append(journal, 2)
    assert noted(world) == [1, 2]


# --- a server that forgets (F25, F27)


@pytest.fixture
def forgetful(own_server: Start, tmp_path: Path) -> tuple[RedisWorld, Any]:
    """A server that was put back to an older copy of its data, under a runner that wrote on meanwhile."""
    server = own_server()
    world = RedisWorld(server, tmp_path / ".fsm", "&timeout=5")
    journal = world.begin()
    append(journal, 1, 2)
    server.stop()
    shutil.copytree(server.folder / "appendonlydir", tmp_path / "older")
    server.start()
    append(journal, 3, 4)
    server.stop()
    shutil.rmtree(server.folder / "appendonlydir")
    shutil.copytree(tmp_path / "older", server.folder / "appendonlydir")
    server.start()
    return world, journal


def test_the_next_append_shows_what_the_server_lost(forgetful: tuple[RedisWorld, Any]) -> None:
    world, journal = forgetful
    with pytest.raises(Conflict) as lost:
        append(journal, 5)
    assert lost.value.message == (
        f"{world.store.address.shown}: the server has lost records that it acknowledged: the journal of "
        "run run-1 is expected to end at record 5, and ends at 3"
    )
    assert lost.value.exit_code == 7


def test_a_later_command_shows_what_the_server_lost(forgetful: tuple[RedisWorld, Any]) -> None:
    world, journal = forgetful
    journal.close()
    store = world.again()
    head = next(world.state.glob("redis-heads/*/run-1.head"))
    for read in (store.load, store.acquire):
        with pytest.raises(Damaged) as lost:
            read("run-1")
        assert lost.value.message == (
            f"{store.address.shown}: records of run run-1 are lost: they were acknowledged up to number "
            f"5, and 3 are there ({head})"
        )
        assert lost.value.hint == (
            f"restore the server's data; or, to go on with what is left, remove {head}"
        )
    head.unlink()
    journal = world.again().acquire("run-1")
    append(journal, 9)
    assert noted(world) == [1, 2, 9]


def test_without_the_head_on_this_machine_the_loss_is_not_seen(
    forgetful: tuple[RedisWorld, Any],
) -> None:
    """The control: what is left is a whole chain."""
    world, journal = forgetful
    journal.close()
    shutil.rmtree(world.state)
    assert noted(world) == [1, 2]


def test_a_server_that_lost_everything_is_noticed(own_server: Start, tmp_path: Path) -> None:
    server = own_server()
    world = RedisWorld(server, tmp_path / ".fsm")
    journal = world.begin()
    server.ask("FLUSHALL")
    with pytest.raises(Conflict, match="run run-1 is gone from the store"):
        append(journal, 1)
    for read in (world.store.runs, lambda: world.store.load("run-1")):
        with pytest.raises(Damaged, match="records of run run-1 are lost"):
            read()


def test_a_log_with_a_torn_end_loses_nothing_that_was_acknowledged_or_shows_it(
    own_server: Start, tmp_path: Path
) -> None:
    """The server starts on a truncated log without a word: cut anywhere in the last append, it shows."""
    server = own_server()
    world = RedisWorld(server, tmp_path / ".fsm")
    journal = world.begin()
    append(journal, *range(1, 5))
    log = server.log()
    before = log.stat().st_size
    append(journal, 5)
    end = log.stat().st_size
    journal.close()
    server.stop()
    whole = log.read_bytes()
    head = next(world.state.glob("redis-heads/*/run-1.head"))
    acknowledged = head.read_bytes()
    cuts = [*range(before, end, 31), end - 2, end - 1]
    assert len(cuts) > 10
    for cut in cuts:
        log.write_bytes(whole[:cut])
        head.write_bytes(acknowledged)
        server.start()
        with pytest.raises(Damaged, match="they were acknowledged up to number 6, and 5 are there"):
            noted(world)
        head.unlink()  # as if nobody had heard that it was written
        assert noted(world) == [1, 2, 3, 4]
        server.stop()
    log.write_bytes(whole)
    head.write_bytes(acknowledged)
    server.start()
    assert noted(world) == [1, 2, 3, 4, 5]


def test_a_server_whose_disk_is_full_acknowledges_nothing_and_loses_nothing(
    own_server: Start, tmp_path: Path
) -> None:
    """Its log may not grow by more than half an append: then it ends itself rather than answer."""
    server = own_server()
    world = RedisWorld(server, tmp_path / ".fsm", "&timeout=0.1")
    journal = world.begin()
    append(journal, 1, 2)
    limit = server.log().stat().st_size + 100
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (limit, limit))
    with pytest.raises(StateUnavailable):
        append(journal, 3)
    assert server.process is not None
    assert server.process.wait(30) != 0
    server.process = None
    server.start()
    assert noted(world) == [1, 2]
    journal.close()
    append(world.again().acquire("run-1"), 4)
    assert noted(world) == [1, 2, 4]


def test_a_machine_that_keeps_no_folder_writes_all_the_same(valkey: Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder\n")
    world = RedisWorld(valkey, tmp_path / "file" / ".fsm")
    world.folder = tmp_path
    append(world.begin(), 1)
    assert noted(world) == [1]


def test_the_head_of_another_store_is_no_evidence(valkey: Server, tmp_path: Path) -> None:
    one, other = (RedisWorld(valkey, tmp_path / ".fsm") for _ in range(2))
    append(one.begin(), 1, 2, 3)
    other.begin().close()
    assert noted(other) == []
    assert [run.run_id for run in other.store.runs()] == ["run-1"]
    assert (tmp_path / ".fsm" / ".gitignore").read_text() == "*\n"
