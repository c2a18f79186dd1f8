"""Servers of other people, stood in for on the loopback: any web server, and a Jira site."""

from __future__ import annotations

import re

from pytest_bdd import given, parsers, step, then, when

from ..place import Place
from ..stand_ins.jira import TOKEN, JiraSite
from ..stand_ins.web import Reply, Server

_HEADER = re.compile(r"([A-Z][\w-]*): (\S+)")


@given("a web server that answers:")
def a_web_server(place: Place, docstring: str) -> None:
    """A line an answer, the last one again and again: `STATUS`, then a header, a body, or neither."""
    replies = [_reply(line) for line in docstring.splitlines()]
    server = Server(lambda _: replies.pop(0) if len(replies) > 1 else replies[0]).start()
    place.leaving.callback(server.stop)
    place.noted["web server"] = server
    place.noted["site"] = server.url
    place.noted["site port"] = server.port


@then(parsers.parse('the web server was asked for "{asked}"'))
def was_asked(place: Place, asked: str) -> None:
    found = ", ".join(f"{sent.method} {sent.path}" for sent in _server(place).received)
    assert found == asked, place.answer


@then("the web server was asked for nothing")
def was_asked_for_nothing(place: Place) -> None:
    assert _server(place).received == [], place.answer


@then(parsers.parse('it was sent the header "{name}: {value}"'))
def was_sent_a_header(place: Place, name: str, value: str) -> None:
    assert _server(place).received[-1].headers.get(name.lower()) == value, place.answer


@then(parsers.re("it was sent the body (?P<body>.+)"))
def was_sent_a_body(place: Place, body: str) -> None:
    assert _server(place).received[-1].body.decode() == body, place.answer


@when(parsers.parse('the file "{name}" has come'))
def file_has_come(place: Place, name: str) -> None:
    place.wait_for(name)


@given("a Jira site with the issue PROJ-123 in To Do")
def a_jira_site(place: Place) -> None:
    site = JiraSite()
    site.start()
    place.leaving.callback(site.stop)
    place.noted["jira"] = site
    place.env |= site.environment


@step(parsers.parse("somebody moves {issue} to {status}"))
def somebody_moves(place: Place, issue: str, status: str) -> None:
    _jira(place).move(issue, status)


@step(parsers.parse("the account of the site has not the permission {name}"))
def has_not_the_permission(place: Place, name: str) -> None:
    _jira(place).permissions.remove(name)


@step(parsers.parse("the account of the site has the permission {name}"))
def has_the_permission(place: Place, name: str) -> None:
    _jira(place).permissions.add(name)


@given(parsers.parse("the site answers the next {count:d} requests by 429"))
def is_busy(place: Place, count: int) -> None:
    _jira(place).busy = count


@given(parsers.re(r"somebody else changes (?P<issue>[A-Z]+-\d+) at the same time as it is moved"))
def collides(place: Place, issue: str) -> None:
    assert issue in _jira(place).issues
    _jira(place).conflicts = 1


@then("the site was asked for nothing")
def site_was_asked_for_nothing(place: Place) -> None:
    assert _jira(place).received == [], place.answer


@given("the runner is killed as soon as the site has taken a write")
def killed_by_a_write(place: Place) -> None:
    def kill() -> None:
        assert place.runner is not None
        place.runner.kill()
        place.runner.wait()
        _jira(place).on_write = lambda: None

    _jira(place).on_write = kill


@then(parsers.re(r"(?P<issue>[A-Z]+-\d+) is in (?P<status>.+)"))
def is_in(place: Place, issue: str, status: str) -> None:
    assert _jira(place).issues[issue].status == status, place.answer


@then(parsers.parse("the comments of {issue} read:"))
def comments_read(place: Place, issue: str, docstring: str) -> None:
    found = [_words(made["body"]) for made in _jira(place).issues[issue].comments.values()]
    assert found == docstring.splitlines(), place.answer


@then(parsers.re(r"(?P<issue>[A-Z]+-\d+) has no comment"))
def has_no_comment(place: Place, issue: str) -> None:
    assert not _jira(place).issues[issue].comments, place.answer


@then("nothing was written to the site")
def nothing_was_written(place: Place) -> None:
    assert _jira(place).writes == [], place.answer


@then("the token of the site stands nowhere")
def token_is_nowhere(place: Place) -> None:
    basic = JiraSite.basic()
    for path in place.folder.rglob("*"):
        data = path.read_bytes() if path.is_file() else b""
        assert TOKEN.encode() not in data, path
        assert basic.encode() not in data, path
    for answer in place.answers:
        assert TOKEN not in answer.out + answer.error, answer
        assert basic not in answer.out + answer.error, answer


def _reply(line: str) -> Reply:
    status, _, rest = line.strip().partition(" ")
    header = _HEADER.fullmatch(rest)
    if header:
        return Reply(int(status), b"", {header[1]: header[2]})
    return Reply(int(status), rest.encode())


def _words(document: dict[str, object]) -> str:
    parts = document["content"]
    assert isinstance(parts, list)
    return " / ".join("".join(each.get("text", "|") for each in part["content"]) for part in parts)


def _server(place: Place) -> Server:
    server = place.noted["web server"]
    assert isinstance(server, Server)
    return server


def _jira(place: Place) -> JiraSite:
    site = place.noted["jira"]
    assert isinstance(site, JiraSite)
    return site
