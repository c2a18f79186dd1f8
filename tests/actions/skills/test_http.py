"""The skill `http` against a server that is really there."""

from __future__ import annotations

import asyncio
import gzip
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from fsm.actions.net.exchange import Request, Web
from fsm.actions.python.action import PythonAction
from fsm.actions.python.skill import ActionFailed
from fsm.actions.skills.http import http
from fsm.engine.ports import Failed, Succeeded
from fsm.plan.skill import value_fault
from specs.stand_ins.web import CERTIFICATE, Received, Reply, Server

from .names import Resolve
from .performing import Performing

HERE = {"network": "private"}


@pytest.fixture
def perform(tmp_path: Path) -> Performing:
    return Performing(http, tmp_path)


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    """Starts a server that gives these replies, the last one again and again."""
    started: list[Server] = []

    def start(*replies: Reply, **options: Any) -> Server:
        left = list(replies or [Reply()])
        server = Server(lambda _: left.pop(0) if len(left) > 1 else left[0], **options).start()
        started.append(server)
        return server

    yield start
    for server in started:
        server.stop()


def as_json(value: object, status: int = 200, **headers: str) -> Reply:
    return Reply(status, json.dumps(value).encode(), {"Content-Type": "application/json"} | headers)


def test_values_are_taken_out_of_the_answer_with_their_types(
    perform: Performing, serve: Callable[..., Server]
) -> None:
    document = {"id": 7, "ok": True, "items": [{"name": "a/b"}], "x/y": None, "dotted.key": 1.5}
    server = serve(as_json(document, 201, Location="/things/7"))
    outcome = perform(
        "request",
        method="POST",
        url=f"{server.url}/things",
        query={"q": "a b&c", "n": [1, True]},
        json={"name": "x"},
        headers={"X-Trace": "1"},
        expect=["2xx", 409],
        extract={
            "id": "id",
            "ok": "/ok",
            "name": "items.0.name",
            "nothing": "/x~1y",
            "dotted": "/dotted.key",
            "place": "header:location",
            "text": "body:",
            "all": "",
        },
        **HERE,
    )
    assert outcome == Succeeded(
        {
            "status": 201,
            "id": 7,
            "ok": True,
            "name": "a/b",
            "nothing": None,
            "dotted": 1.5,
            "place": "/things/7",
            "text": json.dumps(document),
            "all": document,
        }
    )
    (sent,) = server.received
    assert (sent.method, sent.path, sent.body) == ("POST", "/things", b'{"name": "x"}')
    assert sent.query == [("q", "a b&c"), ("n", "1"), ("n", "true")]
    assert sent.headers["content-type"] == "application/json"
    assert sent.headers["x-trace"] == "1"


@pytest.mark.parametrize(
    ("given_body", "kind", "sent"),
    [
        ({"body": "plain ☃"}, "text/plain; charset=utf-8", "plain ☃".encode()),
        ({"form": {"a": "1 2", "b": "&"}}, "application/x-www-form-urlencoded", b"a=1+2&b=%26"),
        ({"json": [1, None]}, "application/json", b"[1, null]"),
        (
            {"json": {}, "headers": {"content-type": "application/merge-patch+json"}},
            "application/merge-patch+json",
            b"{}",
        ),
    ],
)
def test_each_kind_of_body_is_sent_as_what_it_is(
    perform: Performing,
    serve: Callable[..., Server],
    given_body: dict[str, Any],
    kind: str,
    sent: bytes,
) -> None:
    server = serve()
    outcome = perform("request", method="PUT", url=server.url, **given_body, **HERE)
    assert isinstance(outcome, Succeeded), outcome
    assert server.received[0].headers["content-type"] == kind
    assert server.received[0].body == sent


def test_two_bodies_are_refused_and_nothing_is_sent(
    perform: Performing, serve: Callable[..., Server]
) -> None:
    server = serve()
    for purpose in ("run", "dry_run"):
        outcome = perform(
            "request", purpose, method="POST", url=server.url, json={}, form={"a": "b"}, **HERE
        )
        assert outcome == Failed("the request has `json` and `form`; give one")
    assert server.received == []


def test_an_unexpected_status_fails_with_what_the_server_says(
    perform: Performing, serve: Callable[..., Server]
) -> None:
    server = serve(as_json({"error": "no such thing"}, 404))
    outcome = perform("get", url=f"{server.url}/a?token=hidden", **HERE)
    assert outcome == Failed(f'GET {server.url}/a gave 404, not 2xx: {{"error": "no such thing"}}')


def test_a_value_that_is_not_there_is_named_with_what_is(
    perform: Performing, serve: Callable[..., Server]
) -> None:
    server = serve(as_json({"issue": {"key": 1, "id": 2}}))
    outcome = perform("get", url=server.url, extract={"x": "issue.name"}, **HERE)
    assert outcome == Failed(
        f"the answer to GET {server.url} has nothing at `issue.name` (no `name`); "
        "beside it there is `key`, `id`"
    )


@pytest.mark.parametrize("text", ["<html>", "[" * 100_000, ""])
def test_an_answer_that_is_not_json_is_told_as_that(
    perform: Performing, serve: Callable[..., Server], text: str
) -> None:
    server = serve(Reply(body=text.encode(), headers={"Content-Type": "text/html"}))
    outcome = perform("get", url=server.url, extract={"x": "a"}, **HERE)
    assert outcome == Failed(f"the answer to GET {server.url} is not JSON (text/html)")


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_server_is_asked_again_as_it_says(
    perform: Performing, serve: Callable[..., Server], status: int
) -> None:
    server = serve(Reply(status, headers={"Retry-After": "0"}), Reply())
    assert perform("get", url=server.url, **HERE) == Succeeded({"status": 200})
    assert len(server.received) == 2
    assert perform.log.splitlines() == [
        f"[fsm] GET {server.url}: {status}, 0 bytes",
        "[fsm] again in 0s",
        f"[fsm] GET {server.url}: 200, 0 bytes",
    ]


def test_a_status_that_is_expected_is_no_reason_to_ask_again(
    perform: Performing, serve: Callable[..., Server]
) -> None:
    server = serve(Reply(503, headers={"Retry-After": "3600"}))
    assert perform("get", url=server.url, expect=503, **HERE) == Succeeded({"status": 503})
    assert len(server.received) == 1


def test_retries_are_bounded_in_number(perform: Performing, serve: Callable[..., Server]) -> None:
    server = serve(Reply(503, b"closed", {"Retry-After": "0"}))
    outcome = perform("get", url=server.url, retries=2, **HERE)
    assert outcome == Failed(f"GET {server.url} gave 503, not 2xx: closed")
    assert len(server.received) == 3


def test_a_server_that_asks_for_an_hour_is_not_waited_for(
    perform: Performing, serve: Callable[..., Server]
) -> None:
    server = serve(Reply(429, headers={"Retry-After": "3600"}))
    outcome = perform("get", url=server.url, **HERE)
    assert outcome == Failed(
        f"GET {server.url} gave 429 and asks to come back later (`Retry-After: 3600`); "
        "at most 1m are waited"
    )
    assert len(server.received) == 1


@pytest.mark.parametrize(("repeatable", "sent"), [(False, 1), (True, 2)])
def test_a_post_is_repeated_only_if_the_plan_says_so(
    perform: Performing, serve: Callable[..., Server], repeatable: bool, sent: int
) -> None:
    server = serve(Reply(503, headers={"Retry-After": "0"}), Reply())
    perform("request", method="POST", url=server.url, repeatable=repeatable, **HERE)
    assert len(server.received) == sent


def test_pauses_are_those_of_the_rule(serve: Callable[..., Server]) -> None:
    server = serve(Reply(500))
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    async def send() -> int:
        async with Web(env={}, network="private", sleep=sleep) as web:
            return (await web.send(Request(method="GET", url=server.url))).status

    assert asyncio.run(send()) == 500
    assert pauses == [0.5, 1, 2]


def test_a_redirect_on_the_same_host_is_followed_with_headers_and_body(
    perform: Performing, serve: Callable[..., Server]
) -> None:
    server = serve(Reply(307, headers={"Location": "/there"}), Reply())
    outcome = perform(
        "request",
        method="POST",
        url=f"{server.url}/here",
        headers={"Authorization": "Bearer abcdefgh"},
        body="hello",
        **HERE,
    )
    assert outcome == Succeeded({"status": 200})
    assert [sent.path for sent in server.received] == ["/here", "/there"]
    assert server.received[1].body == b"hello"
    assert server.received[1].headers["authorization"] == "Bearer abcdefgh"


@pytest.mark.parametrize("status", [301, 302, 303])
def test_a_post_that_is_redirected_becomes_a_get_without_a_body(
    perform: Performing, serve: Callable[..., Server], status: int
) -> None:
    server = serve(Reply(status, headers={"Location": "/there"}), Reply())
    perform("request", method="POST", url=server.url, json={"a": 1}, **HERE)
    assert (server.received[1].method, server.received[1].body) == ("GET", b"")
    assert "content-type" not in server.received[1].headers


def test_headers_do_not_go_to_another_host(
    perform: Performing, serve: Callable[..., Server]
) -> None:
    other = serve()
    server = serve(Reply(302, headers={"Location": f"{other.url}/x"}))
    secret = {"Authorization": "Bearer abcdefgh", "X-Api-Key": "12345678", "Cookie": "a=b"}
    outcome = perform("get", url=server.url, headers={**secret, "Accept": "text/x"}, **HERE)
    assert outcome == Succeeded({"status": 200})
    (sent,) = other.received
    assert not {name.lower() for name in secret} & set(sent.headers)
    assert sent.headers["accept"] == "text/x"


def test_a_body_does_not_go_to_another_host(
    perform: Performing, serve: Callable[..., Server]
) -> None:
    other = serve()
    server = serve(Reply(308, headers={"Location": other.url}))
    outcome = perform("request", method="PUT", url=server.url, body="hello", **HERE)
    assert outcome == Failed(
        f"PUT {server.url} is redirected to 127.0.0.1, where its body is not sent; mend `url`"
    )
    assert other.received == []


@pytest.mark.parametrize(
    ("location", "said"),
    [
        ("file:///etc/passwd", "to the scheme `file`, which is refused"),
        ("gopher://127.0.0.1/", "to the scheme `gopher`, which is refused"),
        ("javascript:alert(1)", "to the scheme `javascript`, which is refused"),
        ("http://a:port/", "to what is no URL"),
        ("/again", "more than 5 times"),
    ],
)
def test_a_redirect_to_what_is_no_place_of_the_web_is_refused(
    perform: Performing, serve: Callable[..., Server], location: str, said: str
) -> None:
    server = serve(Reply(302, headers={"Location": location}))
    outcome = perform("get", url=server.url, **HERE)
    assert isinstance(outcome, Failed)
    assert f"GET {server.url} is redirected {said}" in outcome.error


def test_a_redirect_from_https_to_http_is_refused(
    tmp_path: Path, serve: Callable[..., Server]
) -> None:
    plain = serve()
    server = serve(Reply(302, headers={"Location": plain.url}), tls=True)
    perform = Performing(http, tmp_path, {"SSL_CERT_FILE": str(CERTIFICATE)})
    outcome = perform("get", url=server.url, **HERE)
    assert outcome == Failed(
        f"GET {server.url} is redirected to the scheme `http`, which is refused"
    )
    assert plain.received == []


def test_no_redirect_is_followed_when_none_may_be(
    perform: Performing, serve: Callable[..., Server]
) -> None:
    server = serve(Reply(302, headers={"Location": "/x"}))
    outcome = perform(
        "get", url=server.url, redirects=0, expect=302, extract={"to": "header:Location"}, **HERE
    )
    assert outcome == Succeeded({"status": 302, "to": "/x"})


def test_a_certificate_is_held_to_the_name_and_to_whom_is_trusted(
    tmp_path: Path, serve: Callable[..., Server]
) -> None:
    server = serve(tls=True)
    strange = Performing(http, tmp_path)
    trusting = Performing(http, tmp_path, {"SSL_CERT_FILE": str(CERTIFICATE)})
    assert trusting("get", url=server.url, **HERE) == Succeeded({"status": 200})
    for purpose in ("run", "dry_run"):
        told = strange("get", purpose, url=server.url, **HERE)
        assert isinstance(told, Failed)
        assert told.error.endswith(": its certificate is not trusted: self-signed certificate")
        other = trusting("get", purpose, url=server.url.replace("localhost", "127.0.0.1"), **HERE)
        assert isinstance(other, Failed)
        assert "its certificate is not trusted: IP address mismatch" in other.error
    assert len(server.received) == 1


@pytest.mark.parametrize(
    "reply",
    [
        Reply(body=b"x" * 1001),
        Reply(body=gzip.compress(b"x" * 1001), headers={"Content-Encoding": "gzip"}),
    ],
)
def test_a_body_that_is_too_large_is_not_taken(
    perform: Performing, serve: Callable[..., Server], reply: Reply
) -> None:
    server = serve(reply)
    outcome = perform("get", url=server.url, max_bytes=1000, **HERE)
    assert outcome == Failed(
        f"the answer to GET {server.url} is larger than 1000 bytes (`max_bytes`)"
    )
    assert isinstance(perform("get", url=server.url, max_bytes=1001, **HERE), Succeeded)


def test_a_server_that_says_nothing_is_left_after_the_timeout(perform: Performing) -> None:
    ended = threading.Event()

    def silent(_: Received) -> Reply:
        ended.wait()
        return Reply()

    with Server(silent) as server:
        outcome = perform("get", url=server.url, timeout="50ms", **HERE)
        ended.set()
    assert outcome == Failed(f"GET {server.url} has no answer within 50ms")


def test_a_request_is_cancelled_at_once(perform: Performing) -> None:
    begun, ended = threading.Event(), threading.Event()

    def silent(_: Received) -> Reply:
        begun.set()
        ended.wait()
        return Reply()

    async def cancel(url: str) -> None:
        task = asyncio.create_task(perform.perform("get", url=url, **HERE))
        await asyncio.to_thread(begun.wait)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with Server(silent) as server:
        asyncio.run(cancel(server.url))
        ended.set()


@pytest.mark.parametrize("action", ["get", "request"])
def test_a_dry_run_connects_and_sends_nothing(
    perform: Performing, serve: Callable[..., Server], action: str
) -> None:
    server = serve()
    method = {"method": "DELETE"} if action == "request" else {}
    assert perform(action, "dry_run", url=server.url, **method, **HERE) == Succeeded()
    assert server.received == []
    server.stop()
    outcome = perform(action, "dry_run", url=server.url, **method, **HERE)
    assert outcome == Failed(f"cannot connect to 127.0.0.1:{server.port}: Connection refused")


def test_an_inspection_tells_a_host_that_is_not_known_from_one_that_may_not_be_reached(
    tmp_path: Path, resolve: Resolve
) -> None:
    resolve(["10.0.0.1"])

    def inspected(url: str) -> object:
        action = PythonAction(http, tmp_path)
        found = asyncio.run(action.inspect("get", {"url": url}, tmp_path, {}, ()))
        return {
            aspect: [str(problem) for problem in problems] for aspect, problems in found.items()
        }

    assert inspected("https://inner.example/") == {
        "inputs": [],
        "targets": [],
        "permissions": [
            "`inner.example` is 10.0.0.1, a private address, which is refused; "
            "if it is meant, allow it with `network: private`"
        ],
    }
    assert inspected("https://nowhere.example/") == {
        "inputs": [],
        "targets": [
            "the host `nowhere.example` is not found: Name or service not known; "
            "mend `url`, or see that the name is known here"
        ],
    }


def test_headers_are_never_told_even_if_the_server_repeats_them(
    perform: Performing, serve: Callable[..., Server]
) -> None:
    server = serve(Reply(400, b"you sent: Basic YWxhZGRpbjpvcGVu, canary-7f3a9c51e2"))
    perform.secrets = (b"canary-7f3a9c51e2",)
    outcome = perform(
        "get",
        url=f"{server.url}/hook/canary-7f3a9c51e2?key=canary-7f3a9c51e2",
        headers={"Authorization": "Basic YWxhZGRpbjpvcGVu", "X-Key": "canary-7f3a9c51e2"},
        **HERE,
    )
    assert isinstance(outcome, Failed)
    assert outcome.error == f"GET {server.url}/hook/*** gave 400, not 2xx: you sent: ***, ***"
    assert "canary" not in perform.log
    assert "YWxh" not in perform.log


HOSTILE = [
    "$(touch owned)",
    "`touch owned`",
    "'; touch owned #",
    '"',
    "a\r\nX-Injected: 1",
    "a\nb",
    "--output=owned",
    "../../etc/passwd",
    "nul\0",
    "\udcff",
    "\ud800",
    "{{ 7*7 }}",
    "%00%0d%0a",
]


@pytest.mark.parametrize("value", HOSTILE)
def test_hostile_values_arrive_as_they_are_or_are_refused(
    perform: Performing, serve: Callable[..., Server], value: str
) -> None:
    server = serve()
    url = f"{server.url}/in"
    perform("request", method="POST", url=url, json={"v": value}, **HERE)
    assert json.loads(server.received[-1].body) == {"v": value}
    for given_params in (
        {"body": value},
        {"form": {"v": value}},
        {"query": {"v": value}},
        {"headers": {"X-Value": value}},
        {"headers": {value: "x"}},
    ):
        before = len(server.received)
        outcome = perform("request", method="POST", url=url, **given_params, **HERE)
        if isinstance(outcome, Failed):
            assert len(server.received) == before
            assert outcome.tail == "", "it is no defect of fsm"
            continue
        sent = server.received[-1]
        assert "x-injected" not in sent.headers
        assert (
            sent.body == value.encode()
            or ("v", value) in sent.query
            or b"v=" in sent.body
            or value in (sent.headers.get("x-value"), *sent.headers)
            or sent.headers.get(value.lower()) == "x"
        )
    assert not (perform.folder / "owned").exists()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(some.text(), some.text())
def test_no_text_can_end_a_header(name: str, value: str) -> None:
    parameter = http.actions["get"].spec.parameter("headers")
    assert parameter is not None
    if not value_fault(parameter, {name: value}):
        assert not set(name + value) & {"\r", "\n", "\0"}
        assert name.isascii()


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        ("url", "ftp://example.org/x", "must be a URL of the form https://HOST/PATH"),
        ("url", "example.org", "must be a URL of the form https://HOST/PATH"),
        ("url", "https://", "must be a URL of the form https://HOST/PATH"),
        ("url", "https://a:99999/", "must be a URL of the form https://HOST/PATH"),
        ("url", "https://me:pw@h/", "must be a URL without a user or a password; send them in `headers`"),
        ("url", "https://h/a b", "must be a URL: it holds a space or another character that must be encoded"),
        ("headers", {"Host": "x"}, "has `Host`, which is set for each request and cannot be given"),
        ("headers", {"a b": "x"}, "has 'a b', which is no name of a header"),
        ("headers", {"A": "x\ny"}, "has in `A` what a header cannot hold: a line break, a control …"),
        ("expect", "20x", "must be a status such as 200, a range such as `2xx`, or a list of these"),
        ("expect", [], "must name at least one status"),
        ("extract", {"a b": "x"}, "has 'a b', which cannot name an output"),
        ("extract", {"status": "x"}, "has 'status', which cannot name an output"),
        ("timeout", "soon", "must be a duration such as `30s` or `2m`"),
        ("timeout", 0, "must be longer than 0s"),
        ("network", "all", "must be `public` or `private` or `any`"),
    ],
)  # fmt: skip
def test_what_a_parameter_cannot_be_is_told_in_words(name: str, value: Any, fault: str) -> None:
    parameter = http.actions["get"].spec.parameter(name)
    assert parameter is not None
    assert value_fault(parameter, value) == fault


@pytest.mark.parametrize("url", ["http://example.org\\@127.0.0.1/", "http://127.0.0.1\t/"])
def test_a_url_that_two_readers_read_differently_goes_nowhere(
    perform: Performing, url: str
) -> None:
    outcome = perform("get", url=url, **HERE)
    assert isinstance(outcome, Failed)


def test_what_was_not_to_be_raised_is_not(perform: Performing) -> None:
    async def ask() -> None:
        async with Web(env={"SSL_CERT_FILE": "/nowhere"}, network="private") as web:
            await web.send(Request(method="GET", url="https://127.0.0.1:1/"))

    with pytest.raises(ActionFailed, match="SSL_CERT_FILE or SSL_CERT_DIR cannot be read"):
        asyncio.run(ask())
