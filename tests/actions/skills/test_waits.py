"""The skill `wait-for`: what comes is awaited, by real servers, files and commands."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fsm.actions.python.skill import ActionFailed, Context
from fsm.actions.skills.waits import waits
from fsm.engine.ports import Failed, Succeeded
from fsm.plan.skill import value_fault
from specs.stand_ins.web import Reply, Server
from specs.waiting import until

from .names import Resolve
from .performing import Performing

SOON = {"interval": "10ms"}


@pytest.fixture
def perform(tmp_path: Path) -> Performing:
    return Performing(waits, tmp_path)


@pytest.fixture
def closed() -> Iterator[socket.socket]:
    """A port that is ours, on which nothing listens yet."""
    with socket.socket() as ours:
        ours.bind(("127.0.0.1", 0))
        yield ours


def comes(folder: Path, action: str, happens: Callable[[], Any], **params: Any) -> list[str]:
    """Let it happen as soon as the wait has found it not to be so; what was noted until the end."""
    noted: list[str] = []

    def note(text: str) -> None:
        if not noted:
            happens()
        noted.append(text)

    context = Context(cwd=folder, folder=folder, env=dict(os.environ), note=note)
    asyncio.run(waits.actions[action](context=context, timeout=30.0, interval=0.01, **params))
    return noted


def test_a_port_is_awaited_until_a_server_listens(tmp_path: Path, closed: socket.socket) -> None:
    number = closed.getsockname()[1]
    noted = comes(tmp_path, "port", closed.listen, port=number, host="127.0.0.1")
    assert noted == [f"not yet: cannot connect to 127.0.0.1:{number}: Connection refused"]


def test_a_url_is_awaited_until_it_answers_as_expected(tmp_path: Path) -> None:
    replies = [Reply(503, headers={"Retry-After": "3600"}), Reply(404), Reply(204)]
    with Server(lambda _: replies.pop(0)) as server:
        noted = comes(
            tmp_path,
            "url",
            lambda: None,
            url=f"{server.url}/healthy?token=1",
            expect=frozenset({204}),
        )
    assert noted == [f"not yet: GET {server.url}/healthy gives {status}" for status in (503, 404)]


def test_a_file_is_awaited_until_it_is_there_or_gone(tmp_path: Path) -> None:
    path = tmp_path / "ready"
    assert comes(tmp_path, "file", path.touch, path="ready") == [f"not yet: {path} is not there"]
    noted = comes(tmp_path, "file", path.unlink, path=str(path), until="absent")
    assert noted == [f"not yet: {path} is still there"]


def test_a_command_is_awaited_until_it_exits_with_zero(tmp_path: Path) -> None:
    path = tmp_path / "ready"
    script = "echo looking; echo at it >&2; test -e ready"
    noted = comes(tmp_path, "command", path.touch, command=["sh", "-c", script])
    assert noted == ["not yet: `sh` exits with 1: looking at it"]


@pytest.mark.parametrize(
    ("action", "params", "why"),
    [
        ("file", {"path": "never"}, "{folder}/never is not there"),
        ("command", {"command": ["sh", "-c", "echo no; exit 3"]}, "`sh` exits with 3: no"),
        ("command", {"command": ["./never"]}, "`./never` cannot be started: No such file or directory"),
        ("port", {"port": 1, "host": "127.0.0.1"}, "cannot connect to 127.0.0.1:1: Connection refused"),
        ("url", {"url": "http://127.0.0.1:1/x?k=1"},
         "GET http://127.0.0.1:1/x cannot connect: Connection refused"),
    ],
)  # fmt: skip
def test_what_does_not_come_in_time_fails_with_the_reason(
    perform: Performing, action: str, params: dict[str, Any], why: str
) -> None:
    outcome = perform(action, timeout="500ms", **SOON, **params)
    assert outcome == Failed(f"it is not so after 500ms: {why.format(folder=perform.folder)}")
    assert perform(action, "check", **params) == Failed("it is not done", 1)


def test_a_check_and_a_success_are_one(perform: Performing) -> None:
    (perform.folder / "ready").touch()
    outcome = perform("file", path="ready")
    assert isinstance(outcome, Succeeded)
    assert outcome.outputs.keys() == {"waited_seconds"}
    assert perform("file", "check", path="ready") == Succeeded()


def test_a_command_that_hangs_is_ended_with_all_that_it_started(perform: Performing) -> None:
    script = "sleep 1000 & echo $! > child; echo $$ > leader; wait"

    async def cancelled() -> None:
        task = asyncio.create_task(perform.perform("command", command=["sh", "-c", script]))
        leader = perform.folder / "leader"
        await asyncio.to_thread(
            until, lambda: leader.exists() and leader.read_text(), "the command"
        )
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    for name in ("leader", "child"):
        pid = int((perform.folder / name).read_text())
        until(lambda pid=pid: has_ended(pid), f"the end of the {name}")


def test_a_command_that_takes_too_long_is_told_as_that(perform: Performing) -> None:
    outcome = perform("command", command=["sleep", "1000"], timeout="50ms")
    assert outcome == Failed("it is not so after 50ms")


def has_ended(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    try:
        return status.read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_a_daemon_that_holds_the_output_is_not_waited_for(perform: Performing) -> None:
    script = "sleep 1000 & echo $! > child"
    outcome = perform("command", command=["sh", "-c", script], timeout="30s")
    os.kill(int((perform.folder / "child").read_text()), 9)
    assert isinstance(outcome, Succeeded)


@pytest.mark.parametrize(
    ("action", "params"),
    [
        ("file", {"path": "never"}),
        ("command", {"command": ["sleep", "1000"]}),
        ("port", {"port": 1, "host": "127.0.0.1"}),
        ("url", {"url": "http://127.0.0.1:1/"}),
    ],
)
def test_a_wait_is_cancelled_at_once(
    perform: Performing, action: str, params: dict[str, Any]
) -> None:
    async def cancelled() -> None:
        task = asyncio.create_task(perform.perform(action, timeout="10m", **params))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, 30)

    asyncio.run(cancelled())


@pytest.mark.parametrize("purpose", ["run", "dry_run"])
@pytest.mark.parametrize(
    ("action", "params"),
    [
        ("port", {"port": 80, "host": "169.254.169.254"}),
        ("url", {"url": "http://169.254.169.254/latest/"}),
        ("url", {"url": "http://127.0.0.1/", "network": "public"}),
    ],
)
def test_an_address_that_is_refused_is_not_waited_for(
    perform: Performing, action: str, params: dict[str, Any], purpose: str
) -> None:
    outcome = perform(action, purpose, timeout="10m", **params)
    assert isinstance(outcome, Failed)
    assert "address, which is refused; if it is meant, allow it with `network: " in outcome.error


def test_a_dry_run_waits_for_nothing(perform: Performing, resolve: Resolve) -> None:
    resolve()
    for action, params in (
        ("port", {"port": 1, "host": "not-known-yet.example"}),
        ("url", {"url": "http://not-known-yet.example/"}),
        ("file", {"path": "never"}),
        ("command", {"command": ["./not/built/yet"]}),
    ):
        assert perform(action, "dry_run", **params) == Succeeded()
    assert perform("command", "dry_run", command=["no-such-program"]) == Failed(
        "the command `no-such-program` is not found; install it, or mend PATH"
    )


HOSTILE = ["$(touch owned)", "`touch owned`", "'; touch owned #", "a\nb", "-rf", "../..", "{{ 7 }}"]


@pytest.mark.parametrize("value", HOSTILE)
def test_hostile_values_are_arguments_and_names_as_they_are(
    perform: Performing, value: str
) -> None:
    script = ["sh", "-c", 'test "$1" = "$WANTED"', "sh", value]
    perform.env["WANTED"] = value
    assert isinstance(perform("command", command=script), Succeeded)
    outcome = perform("file", path=f"{value}/never", timeout="1ms")
    assert isinstance(outcome, Failed)
    assert outcome.tail == ""
    outcome = perform("port", host=value, port=1, timeout="1ms")
    assert isinstance(outcome, Failed)
    assert outcome.tail == ""
    assert not (perform.folder / "owned").exists()


@pytest.mark.parametrize(
    ("action", "name", "value", "fault"),
    [
        ("command", "command", [], "must begin with the name of a program"),
        ("command", "command", "make", "must be a list"),
        ("command", "command", ["x", "nul\0"], "has what no argument can hold: a NUL, half a character"),
        ("command", "command", ["x", "\ud800"], "has what no argument can hold: a NUL, half a character"),
        ("file", "path", "nul\0", "must be the name of a file"),
        ("file", "until", "gone", "must be `exists` or `absent`"),
        ("port", "host", "a b", "must be the name or the address of a host"),
        ("port", "port", 0, "input should be greater than or equal to 1"),
        ("port", "port", "http", "must be a whole number"),
    ],
)  # fmt: skip
def test_what_a_parameter_cannot_be_is_told_in_words(
    action: str, name: str, value: Any, fault: str
) -> None:
    parameter = waits.actions[action].spec.parameter(name)
    assert parameter is not None
    assert value_fault(parameter, value) == fault


def test_an_answer_that_never_comes_is_a_reason_to_look_again(tmp_path: Path) -> None:
    context = Context(cwd=tmp_path, folder=tmp_path, env={})
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        waiting = waits.actions["url"](
            url=f"http://127.0.0.1:{silent.getsockname()[1]}/",
            expect=frozenset({200}),
            context=context,
            timeout=0.1,
            interval=0.01,
        )
        with pytest.raises(ActionFailed, match="it is not so after 100ms"):
            asyncio.run(waiting)
