"""What an action needs of the network is looked for before anything happens."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from fsm.actions.needs import Surroundings
from fsm.plan.skill import Needs


def said(around: Surroundings, *hosts: str, **env: str) -> list[str] | None:
    """What is told of the targets; `None` if they are not looked at."""
    found = asyncio.run(around.missing(Needs(hosts=hosts), Path("/"), env))
    return [str(problem) for problem in found["targets"]] if "targets" in found else None


@pytest.fixture
def port() -> Iterator[int]:
    """A port of this machine at which somebody listens."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield listening.getsockname()[1]


def test_a_host_is_there_if_its_name_is_known_and_its_port_open(port: int) -> None:
    assert said(Surroundings(), "localhost", "127.0.0.1", f"127.0.0.1:{port}") == []


def test_a_port_at_which_nobody_listens_is_out_of_reach(port: int) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        closed = bound.getsockname()[1]
        problem, *more = said(Surroundings(), f"127.0.0.1:{closed}") or ()
    assert more == []
    assert problem.startswith(f"the host 127.0.0.1:{closed} cannot be reached: ")
    assert problem.endswith("; mend its name, or the network here")


def test_a_host_is_looked_for_once_however_many_need_it(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def getaddrinfo(host: object, *_: object, **__: object) -> list[object]:
        asked.append(host)
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    around = Surroundings()
    told = ["the host no.example cannot be reached: Name or service not known; "
            "mend its name, or the network here"]  # fmt: skip
    assert said(around, "no.example") == told
    assert said(around, "no.example") == told
    assert asked == ["no.example"]


def test_a_name_server_that_is_silent_is_left_alone_when_patience_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answered = threading.Event()

    def silent(*_: object, **__: object) -> list[object]:
        answered.wait()
        return []

    monkeypatch.setattr(socket, "getaddrinfo", silent)
    monkeypatch.setattr("fsm.actions.needs._PATIENCE_SECONDS", 0.01)
    for host in ("silent.example", "silent.example:80"):
        told = f"the host {host} cannot be reached: it did not answer within 0.01 s; "
        assert said(Surroundings(), host) == [f"{told}mend its name, or the network here"]
    assert not answered.is_set()
    answered.set()


def test_behind_a_proxy_hosts_are_not_looked_at() -> None:
    assert said(Surroundings(), "no.example", HTTPS_PROXY="http://proxy:3128") is None


@pytest.mark.parametrize(("name", "is_there"), [
    ("tool", True), ("bin/tool", True), ("no-such", False), ("folder", False), ("a\0b", False),
])  # fmt: skip
def test_a_command_is_looked_for_as_the_step_will_look_for_it(
    tmp_path: Path, name: str, is_there: bool
) -> None:
    (tmp_path / "bin" / "folder").mkdir(parents=True)
    (tmp_path / "bin" / "tool").touch(mode=0o700)
    found = asyncio.run(
        Surroundings().missing(Needs(commands=(name,)), tmp_path, {"PATH": "/bin:bin"})
    )
    hint = "install it, or mend PATH"
    missing = [] if is_there else [f"the command `{name}` is not found; {hint}"]
    assert [str(problem) for problem in found["permissions"]] == missing
