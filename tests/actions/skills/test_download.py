"""`http.download`: a file comes whole or not at all, and undoing brings back what was there."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from fsm.actions.skills.http import http
from fsm.engine.ports import Failed, Succeeded
from specs.stand_ins.web import Reply, Server

from .performing import Performing

CONTENT = bytes(range(256)) * 5000
DIGEST = sha256(CONTENT).hexdigest()


@pytest.fixture
def perform(tmp_path: Path) -> Performing:
    return Performing(http, tmp_path)


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(lambda sent: Reply(200, CONTENT) if sent.path == "/a" else Reply(404)) as server:
        yield server


def test_what_is_there_is_replaced_and_brought_back(perform: Performing, server: Server) -> None:
    path = perform.folder / "tool"
    path.write_text("before")
    path.chmod(0o750)
    given = {"url": f"{server.url}/a", "to": "tool", "network": "private"}
    assert perform("download", "check", **given) == Failed("it is not done", 1)
    outcome = perform("download", sha256=DIGEST, **given)
    assert outcome == Succeeded({"status": 200, "bytes": len(CONTENT), "sha256": DIGEST})
    assert path.read_bytes() == CONTENT
    assert path.stat().st_mode & 0o777 == 0o750
    assert perform("download", "check", **given) == Succeeded({"sha256": DIGEST})
    assert perform("restore", "rollback") == Succeeded()
    assert path.read_text() == "before"


def test_a_file_that_was_not_there_is_gone_again(perform: Performing, server: Server) -> None:
    perform("download", url=f"{server.url}/a", to="new", network="private")
    assert (perform.folder / "new").read_bytes() == CONTENT
    perform("restore", "rollback")
    assert not (perform.folder / "new").exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"url": "/b"}, "GET {url}/b gave 404, not 2xx"),
        ({"max_bytes": 10}, "the answer to GET {url}/a is larger than 10 bytes (`max_bytes`)"),
        ({"sha256": "0" * 64}, "what GET {url}/a gave has the SHA-256 {digest}, not " + "0" * 64),
    ],
)
def test_what_fails_leaves_the_file_as_it_was(
    perform: Performing, server: Server, change: dict[str, object], said: str
) -> None:
    (perform.folder / "tool").write_text("before")
    given = {"url": "/a", "to": "tool", "network": "private", **change}
    given["url"] = f"{server.url}{given['url']}"
    assert perform("download", **given) == Failed(said.format(url=server.url, digest=DIGEST))
    assert (perform.folder / "tool").read_text() == "before"
    assert perform("restore", "rollback") == Succeeded()
    assert (perform.folder / "tool").read_text() == "before"


@pytest.mark.parametrize("to", ["../out", "/etc/passwd", "a\0b", "\ud800", ".fsm/x", "", ".."])
@pytest.mark.parametrize("purpose", ["run", "dry_run"])
def test_a_hostile_name_is_refused_before_anything_is_asked(
    perform: Performing, server: Server, purpose: str, to: str
) -> None:
    outcome = perform("download", purpose, url=f"{server.url}/a", to=to, network="private")
    assert isinstance(outcome, Failed)
    assert outcome.tail == ""
    assert server.received == []


@pytest.mark.parametrize("to", ["$(touch owned)", "`id`", "-rf", "a\nb", "'\""])
def test_a_strange_name_is_only_a_name(perform: Performing, server: Server, to: str) -> None:
    outcome = perform("download", url=f"{server.url}/a", to=to, network="private")
    assert isinstance(outcome, Succeeded)
    assert (perform.folder / to).read_bytes() == CONTENT
    assert not (perform.folder / "owned").exists()


def test_a_dry_run_sends_nothing_and_writes_nothing(perform: Performing, server: Server) -> None:
    outcome = perform("download", "dry_run", url=f"{server.url}/a", to="new", network="private")
    assert outcome == Succeeded()
    assert server.received == []
    assert not (perform.folder / "new").exists()
