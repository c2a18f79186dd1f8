"""What is particular to runs on a Redis server: what its keys hold, who else may write there, the URL."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fsm.engine.checkpoint import Checkpoint, encode
from fsm.engine.ports import Approval, RunSummary, StoredRun
from fsm.errors import Damaged, Invalid, StateUnavailable
from fsm.run.events import RunStarted, StepStarted
from fsm.stores import RedisStore, open_store
from fsm.stores.redis.lease import Holder
from fsm.stores.redis.rows import RUN_FIELDS
from fsm.stores.redis.scripts import VERSION
from fsm.stores.redis.url import parse, password, shown
from tests.stores.conftest import RedisWorld
from tests.stores.sample import write_records_as_sampled
from tests.stores.server import Server

SAMPLE = Path(__file__).parent / "samples" / f"redis-v{VERSION}.json"


# --- the format


def sampled(remote: RedisWorld) -> None:
    """What the sample holds: a run that was taken over, and one that used an approval."""
    used = Approval(remote.plan("plan-2")[0], "ann", 1763700000.25, "prompt")
    kept = Approval(remote.plan("plan-2")[0], "Zoë", 1763700000.25, "approve")
    for approval in (used, kept):
        remote.store.approve(approval)
    journal = remote.begin("20261121-0001", at=1763700001.5)
    journal.append([RunStarted(), StepStarted("build", 1)], at=1763700002.0, state="running")
    journal.close()
    journal = remote.again().acquire("20261121-0001")
    journal.append([StepStarted("töst", 1)], at=1763700003.125, state="completed")
    state = {"state": "completed", "steps": {"build": {"state": "completed"}}}
    journal.keep(encode(Checkpoint(journal.seq, journal.hash, 1763700004.0, "", state)))
    journal.close()
    remote.begin("20261121-0002", "plan-2", at=1763700005.0, approval=used).close()


def dumped(remote: RedisWorld) -> dict[str, Any]:
    """Every key of the store, in the words of the commands that make it."""
    keys: dict[str, Any] = {}
    for key in sorted(remote.server.ask("KEYS", remote.key("*"))):
        name, kind = key.decode().partition(":")[2], remote.server.ask("TYPE", key).decode()
        with remote.server.client() as client:
            client.response_callbacks.clear()
            command = {
                "string": ("GET", key),
                "hash": ("HGETALL", key),
                "stream": ("XRANGE", key, "-", "+"),
                "zset": ("ZRANGE", key, 0, -1, "WITHSCORES"),
                "set": ("SMEMBERS", key),
            }[kind]
            keys[name] = [kind, worded(client.execute_command(*command))]
    return keys


def worded(value: Any) -> Any:
    return value.decode() if isinstance(value, bytes) else [worded(each) for each in value]


def restore(remote: RedisWorld, keys: dict[str, Any]) -> None:
    for name, (kind, value) in keys.items():
        match kind:
            case "string":
                remote.ask("SET", name, value)
            case "hash":
                remote.ask("HSET", name, *value)
            case "zset":
                remote.ask("ZADD", name, *(part for pair in pairs(value) for part in pair[::-1]))
            case "stream":
                for place, cells in value:
                    remote.ask("XADD", name, place, *cells)
            case _:
                raise AssertionError(kind)


def pairs(value: list[Any]) -> list[tuple[Any, Any]]:
    return list(zip(value[::2], value[1::2], strict=True))


def test_what_is_written_is_of_the_format_of_the_sample(
    remote: RedisWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ids of approvals are random. If this fails, the format has changed: it needs a new number."""
    write_records_as_sampled(monkeypatch)
    sampled(remote)

    def steady(keys: dict[str, Any]) -> dict[str, Any]:
        return {
            name: [kind, sorted(text for _, text in pairs(value))]
            if name.startswith("approvals:")
            else [kind, value]
            for name, (kind, value) in keys.items()
        }

    assert steady(dumped(remote)) == steady(json.loads(SAMPLE.read_text(encoding="utf-8")))


def test_the_sample_is_read_and_written_on(remote: RedisWorld) -> None:
    restore(remote, json.loads(SAMPLE.read_text(encoding="utf-8")))
    digest, document = remote.plan()
    stored = remote.store.load("20261121-0001", from_checkpoint=True)
    summary = RunSummary(
        "20261121-0001", "plan-1", "Plan plan-1", digest, "completed", 1763700001.5, 1763700003.125
    )
    assert stored == StoredRun(summary, document, [], stored.checkpoint, [])
    assert [r.epoch for r in remote.store.load("20261121-0001").records] == [1, 1, 1, 2]
    assert [run.run_id for run in remote.store.runs()] == ["20261121-0002", "20261121-0001"]
    digest = remote.plan("plan-2")[0]
    assert [approval.by for approval in remote.store.approvals(digest)] == ["Zoë"]
    journal = remote.store.acquire("20261121-0001")
    journal.append([RunStarted()], at=1763700009.0, state="completed")
    assert (journal.epoch, journal.seq) == (3, 5)
    remote.begin("20261121-0003", "plan-3")
    assert remote.store.runs()[0].run_id == "20261121-0003"


@pytest.mark.parametrize("found", ["2", "99"])
def test_a_newer_format_is_neither_read_nor_written(remote: RedisWorld, found: str) -> None:
    journal = remote.begin()
    remote.ask("SET", "format", found)
    approval = Approval("0" * 64, "ann", 1.0, "prompt")
    for use in every_use(remote, journal, approval):
        with pytest.raises(StateUnavailable) as newer:
            use()
        assert newer.value.message == (
            f"{remote.store.address.shown} is of format {found}, of a newer fsm; "
            f"this one knows format {VERSION}"
        )
    assert len(remote.entries()) == 1


def every_use(remote: RedisWorld, journal: Any, approval: Approval) -> list[Callable[[], Any]]:
    store = remote.store
    return [
        store.runs,
        lambda: store.load("run-1"),
        lambda: store.checkpoints("run-1"),
        lambda: store.acquire("run-1"),
        lambda: store.remove("run-1"),
        lambda: store.holder("run-1"),
        lambda: store.approve(approval),
        lambda: store.approvals("0" * 64),
        lambda: remote.begin("run-2", "plan-2"),
        lambda: journal.keep(b"{}"),
        lambda: journal.append([RunStarted()], at=1.0, state="running"),
    ]


@pytest.mark.parametrize("found", ["", "1.0", "0", "x\n\x1b", "9" * 30])
def test_a_format_that_nobody_wrote_is_damage(remote: RedisWorld, found: str) -> None:
    remote.ask("SET", "format", found)
    with pytest.raises(Damaged, match="which no fsm has written") as damaged:
        remote.store.runs()
    assert "\x1b" not in damaged.value.message


# --- what comes over the network is data


@pytest.mark.parametrize("field", RUN_FIELDS)
@pytest.mark.parametrize("value", [b"", b"x", b"\xff", b"nan", b"9" * 5000, b"-1"])
def test_a_run_whose_entry_was_altered_is_refused(
    remote: RedisWorld, field: str, value: bytes
) -> None:
    remote.begin().close()
    remote.ask("HSET", "run:run-1", field, value)
    for read in (remote.store.runs, lambda: remote.store.load("run-1")):
        with pytest.raises(Damaged, match="the entry of run run-1 was altered"):
            read()
    with pytest.raises(Damaged, match="run-1"):
        remote.store.acquire("run-1")


def test_a_run_whose_entry_lacks_a_field_is_refused(remote: RedisWorld) -> None:
    remote.begin().close()
    remote.ask("HDEL", "run:run-1", "state")
    with pytest.raises(Damaged, match="the entry of run run-1 was altered"):
        remote.store.runs()


def test_the_entry_of_another_run_is_refused(remote: RedisWorld) -> None:
    remote.begin("run-1").close()
    remote.begin("run-2", "plan-2").close()
    remote.ask("COPY", "run:run-1", remote.key("run:run-2"), "REPLACE")
    with pytest.raises(Damaged, match="the entry of run run-2 was altered"):
        remote.store.load("run-2")


def test_a_listed_run_that_is_gone_is_damage(remote: RedisWorld) -> None:
    remote.ask("ZADD", "runs", 1, "run-9")
    with pytest.raises(Damaged, match="run run-9 is listed, and its entry is gone"):
        remote.store.runs()


@settings(
    max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_any_change_of_a_stored_byte_is_noticed(remote: RedisWorld, data: st.DataObject) -> None:
    """In the entry of the run, in a record, in the plan: it is refused, and never read as something else."""
    if not list(remote.store.runs()):
        remote.begin().close()
        for kind in ("run", "journal", "plan"):
            remote.ask("COPY", f"{kind}:run-1", remote.key(f"{kind}-as-written"))
    before = remote.store.load("run-1")
    kind = data.draw(st.sampled_from(["run", "journal", "plan"]))
    if kind == "run":
        field = data.draw(st.sampled_from(RUN_FIELDS))
        remote.ask("HSET", "run:run-1", field, flip(data, remote.ask("HGET", "run:run-1", field)))
    elif kind == "plan":
        remote.ask("SET", "plan:run-1", flip(data, remote.ask("GET", "plan:run-1")))
    else:
        ((place, cells),) = remote.entries()
        index = data.draw(st.integers(0, len(cells) - 1))
        cells[index] = flip(data, cells[index])
        remote.ask("DEL", "journal:run-1")
        remote.ask("XADD", "journal:run-1", place, *cells)
    try:
        after = remote.store.load("run-1")
    except StateUnavailable as noticed:
        after = noticed.message
    remote.ask("COPY", f"{kind}-as-written", remote.key(f"{kind}:run-1"), "REPLACE")
    assert after == before or (isinstance(after, str) and "run-1" in after)


def flip(data: st.DataObject, text: bytes) -> bytes:
    at = data.draw(st.integers(0, 9999)) % len(text)
    return text[:at] + bytes([text[at] ^ (1 << data.draw(st.integers(0, 7)))]) + text[at + 1 :]


@pytest.mark.parametrize(
    "entry",
    [
        ("2-1", "epoch", "1"),
        ("2-0", "epoch", "1"),
        ("2-0", "epoch", "x", "at", "1.0", "version", "2", "kind", "k", "data", "d", "hash", "h"),
        ("2-0", "at", "1.0", "epoch", "1", "version", "2", "kind", "k", "data", "d", "hash", "h"),
        ("18446744073709551615-0", "a", "b"),
    ],
)
def test_an_entry_that_is_no_record_is_refused(remote: RedisWorld, entry: tuple[str, ...]) -> None:
    remote.begin().close()
    remote.ask("XADD", "journal:run-1", *entry)
    with pytest.raises(Damaged, match=r"record \d+ of run run-1 was altered"):
        remote.store.load("run-1")


def test_the_server_itself_refuses_a_record_that_is_not_above_the_last(remote: RedisWorld) -> None:
    """Somebody appended beside the runner, without its knowledge."""
    journal = remote.begin()
    remote.ask("XADD", "journal:run-1", "2-0", "not", "ours")
    with pytest.raises(Damaged, match="has records beyond its end; nothing was added"):
        journal.append([RunStarted(), RunStarted()], at=2.0, state="running")
    assert len(remote.entries()) == 2
    assert remote.ask("HGET", "run:run-1", "seq") == b"1"


@pytest.mark.parametrize("text", [b"", b"{}", b"[]", b"[" * 10_000, b"null", b"\xff", b"[1,2,3]"])
def test_an_approval_that_was_altered_is_refused(remote: RedisWorld, text: bytes) -> None:
    digest = remote.plan()[0]
    approval = Approval(digest, "ann", 1.0, "prompt")
    remote.store.approve(approval)
    remote.ask("HSET", f"approvals:{digest}", "another", text)
    with pytest.raises(Damaged):
        remote.store.approvals(digest)
    with pytest.raises(Damaged):
        remote.begin(approval=approval)


@pytest.mark.parametrize(
    "name", ["runs", "run:run-1", "journal:run-1", "plan:run-1", "removed", "lease:run-1", "format"]
)
def test_keys_of_another_program_are_left_alone(remote: RedisWorld, name: str) -> None:
    """Here a list: no key of ours is one."""
    remote.ask("RPUSH", name, "milk", "eggs")
    with pytest.raises(StateUnavailable) as refused:
        remote.begin()
    assert refused.value.exit_code == 7
    assert remote.ask("LRANGE", name, 0, -1) == [b"milk", b"eggs"]


def test_two_prefixes_and_two_databases_are_apart(valkey: Server, tmp_path: Path) -> None:
    one, other = RedisWorld(valkey, tmp_path / "a"), RedisWorld(valkey, tmp_path / "b")
    one.begin("run-1")
    assert list(other.store.runs()) == []
    other.url = one.url.replace("/0?", "/1?")
    other.store = other.again()
    assert list(other.store.runs()) == []
    assert [run.run_id for run in one.store.runs()] == ["run-1"]


def test_a_socket_is_a_server_as_well(remote: RedisWorld) -> None:
    remote.begin()
    url = f"{remote.server.socket_url}?prefix={remote.prefix}"
    over_socket = RedisStore(parse(url), remote.state)
    assert [run.run_id for run in over_socket.runs()] == ["run-1"]
    assert over_socket.address.shown == url


def test_only_the_lease_of_a_run_ever_expires(remote: RedisWorld) -> None:
    remote.store.approve(Approval(remote.plan()[0], "ann", 1.0, "prompt"))
    journal = remote.begin()
    journal.keep(encode(Checkpoint(1, journal.hash, 1.0, "", {"state": "running", "steps": {}})))
    keys = remote.server.ask("KEYS", remote.key("*"))
    expiring = [key for key in keys if remote.server.ask("PTTL", key) >= 0]
    assert expiring == [remote.key("lease:run-1").encode()]
    assert Holder.read(remote.ask("GET", "lease:run-1")) is not None


# --- the URL


@pytest.mark.parametrize(
    ("url", "place", "told"),
    [
        ("redis://", {"host": "localhost", "port": 6379, "db": 0}, "redis://localhost:6379/0"),
        ("redis://h", {"host": "h", "port": 6379, "db": 0}, "redis://h:6379/0"),
        ("redis://h:1/2?prefix=a.b", {"port": 1, "db": 2}, "redis://h:1/2?prefix=a.b"),
        ("redis://[::1]:1/", {"host": "::1", "port": 1}, "redis://[::1]:1/0"),
        ("redis://:p%40ss@h", {"username": None, "password": "p@ss"}, "redis://:***@h:6379/0"),
        ("redis://u:p@h", {"username": "u", "password": "p"}, "redis://u:***@h:6379/0"),
        ("redis://u@h", {"username": "u", "password": None}, "redis://:***@h:6379/0"),
        ("rediss://h?ssl_ca_certs=/ca", {"tls": True, "ssl_ca_certs": "/ca"}, "rediss://h:6379/0"),
        ("unix:///run/r.sock?db=3", {"path": "/run/r.sock", "db": 3}, "unix:///run/r.sock?db=3"),
        ("unix://u:p@/r.sock", {"path": "/r.sock", "password": "p"}, "unix://u:***@/r.sock"),
    ],
)
def test_a_url_says_where(url: str, place: dict[str, Any], told: str) -> None:
    address = parse(url)
    assert {name: address.connection[name] for name in place} == place
    assert address.shown == told


def test_a_url_says_how_patient_one_is() -> None:
    address = parse("redis://h?timeout=0.5&lease=90&unchecked=yes&prefix=P")
    assert (address.timeout, address.lease, address.unchecked) == (0.5, 90.0, True)
    assert address.key("run", "x") == "P:run:x"


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("redis:h", "the state 'redis:…' cannot be read; write redis://HOST:PORT/DB, "
                    "rediss://HOST:PORT/DB or unix:///PATH/TO/SOCKET"),
        ("redis://h:x", "the state 'redis://h:x' cannot be read; write redis://HOST:PORT/DB, "
                        "rediss://HOST:PORT/DB or unix:///PATH/TO/SOCKET"),
        ("redis://h/a", "the state 'redis://h/a' has no database 'a'; databases are numbered from 0"),
        ("redis://h?db=1", "the state 'redis://h?db=1' names its database as an option; write it as a "
                           "path: /DB"),
        ("redis://h?lease=0", "the state 'redis://h?lease=0' has no lease of '0'; write seconds, 0.1 to "
                              "86400"),
        ("redis://h?prefix=a:b", "the state 'redis://h?prefix=a:b' cannot use the prefix 'a:b'; write "
                                 "letters, digits, `_`, `.` or `-`"),
        ("redis://h?unchecked=1", "the state 'redis://h?unchecked=1' says neither yes nor no to "
                                  "`unchecked`; write unchecked=yes"),
        ("redis://h?ssl_ca_certs=x", "the state 'redis://h?ssl_ca_certs=x' has no option `ssl_ca_certs`; "
                                     "known are prefix, db, timeout, lease, unchecked"),
        ("unix://", "the state 'unix://' names no socket; write unix:///PATH/TO/SOCKET"),
    ],
)  # fmt: skip
def test_a_url_that_names_no_server_is_refused(url: str, told: str) -> None:
    with pytest.raises(Invalid) as invalid:
        open_store(url)
    assert str(invalid.value) == told
    assert invalid.value.exit_code == 2


SECRETS = ["s3cret", "p@ss:wo/rd", "a?b#c", "%zz", "sp ace", "[x"]


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize(
    "form",
    [
        "redis://u:{}@h:1/x",
        "redis://:{}@h:bad",
        "redis:u:{}@h",
        "unix://:{}@/s?q=1",
        "redis://{}@h?a=1",
    ],
)
def test_no_error_about_a_url_shows_its_password(secret: str, form: str) -> None:
    url = form.format(secret)
    assert secret not in shown(url)
    with pytest.raises(Invalid) as invalid:
        open_store(url)
    assert secret not in str(invalid.value)


def test_no_error_of_a_server_shows_the_password(own_server: Any, tmp_path: Path) -> None:
    server = own_server(requirepass="s3cret")
    world = RedisWorld(server, tmp_path / ".fsm")

    def logged_in(secret: str) -> RedisStore:
        world.url = f"{server.url}?prefix=p".replace("://", f"://:{secret}@")
        world.store = world.again()
        return world.store

    with pytest.raises(StateUnavailable, match="does not let us in") as told:
        logged_in("wr0ng").runs()
    assert "wr0ng" not in str(told.value)
    store = logged_in("s3cret")
    journal = world.begin()
    server.ask("SET", "p:run:run-1", "text")
    for use in (store.runs, lambda: journal.append([], at=1.0, state="running")):
        with pytest.raises(StateUnavailable) as told:
            use()
        assert "s3cret" not in str(told.value)
        assert "redis://:***@127.0.0.1" in told.value.message
    assert "s3cret" not in repr(store.address)


@pytest.mark.parametrize(
    ("url", "secret"),
    [("redis://u:p%40@h", "p@"), ("redis://h", ""), ("sqlite:a:b@c", ""), ("redis://u:p@[", "")],
)
def test_the_password_of_a_url_is_known_for_masking(url: str, secret: str) -> None:
    assert password(url) == secret
    assert shown("sqlite:a:b@c") == "sqlite:a:b@c"


def test_without_the_library_its_installation_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("fsm.stores.redis")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(Invalid) as missing:
        open_store("redis://:s3cret@h")
    assert str(missing.value) == (
        "the state redis://:***@h:6379/0 needs the library `redis`, which is not installed\n"
        "  install it: pip install 'fsm[redis]'"
    )
