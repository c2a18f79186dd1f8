"""A site that behaves as the documentation of Jira's REST API v3 says, as far as `jira-write` goes.

https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issues/ (and -issue-comments, -myself,
-issue-comment-properties, -permissions): statuses, bodies of answers and errors are those written there.
"""

from __future__ import annotations

import json
import threading
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .web import Received, Reply, Server

__all__ = ["EMAIL", "TOKEN", "Issue", "JiraSite"]

EMAIL = "ann@example.org"
TOKEN = "canary-jira-4b1d9e"

WORKFLOW: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "To Do": {"11": ("Start Progress", "In Progress"), "12": ("Park", "Blocked")},
    "In Progress": {"21": ("Stop Progress", "To Do"), "31": ("Finish", "Done")},
    "Blocked": {"21": ("Unblock", "To Do")},
    "Done": {"41": ("Reopen", "To Do")},
}
"""Of each status its transitions: id, name, and the status it leads to."""

PERMISSIONS = ("BROWSE_PROJECTS", "TRANSITION_ISSUES", "ADD_COMMENTS", "DELETE_OWN_COMMENTS")

_NO_ISSUE = "Issue does not exist or you do not have permission to see it."


@dataclass
class Issue:
    """`demands` are the fields that a transition, by its id, cannot be taken without."""

    number: int
    status: str = "To Do"
    comments: dict[str, dict[str, Any]] = field(default_factory=dict)
    changes: list[dict[str, Any]] = field(default_factory=list)
    demands: dict[str, list[str]] = field(default_factory=dict)


class JiraSite(Server):
    """One project with issues by key.

    The next `busy` requests are turned away by the rate limit, and the next `conflicts` moves collide with
    another change. `on_write` is called when a write was made, before it is answered.
    """

    def __init__(self) -> None:
        super().__init__(self._answer)
        self.issues = {"PROJ-123": Issue(10_123)}
        self.permissions = set(PERMISSIONS)
        self.account = "5b10a2844c20165700ede21g"
        self.busy = 0
        self.conflicts = 0
        self.properties: dict[tuple[str, str], Any] = {}
        self.on_write: Callable[[], None] = lambda: None
        self._next_id = 10_000
        self._lock = threading.Lock()

    @staticmethod
    def basic() -> str:
        """What stands for the account in the header of each request."""
        return b64encode(f"{EMAIL}:{TOKEN}".encode()).decode()

    @property
    def environment(self) -> dict[str, str]:
        return {"JIRA_BASE_URL": self.url, "JIRA_EMAIL": EMAIL, "JIRA_TOKEN": TOKEN}

    @property
    def writes(self) -> list[Received]:
        """What was asked that may change something."""
        return [sent for sent in self.received if sent.method != "GET"]

    def move(self, key: str, status: str, author: str = "somebody else") -> None:
        """The issue changes its status, as in the page."""
        issue = self.issues[key]
        item = {"field": "status", "fieldId": "status"}
        item |= {"fromString": issue.status, "toString": status}
        issue.changes.append({"author": {"accountId": author}, "items": [item]})
        issue.status = status

    def _answer(self, sent: Received) -> Reply:
        with self._lock:
            if sent.headers.get("authorization") != f"Basic {self.basic()}":
                return _error(401, "Client must be authenticated to access this resource.")
            if self.busy:
                self.busy -= 1
                return Reply(429, b"", {"Retry-After": "0"})
            match sent.parts[:3]:
                case ["rest", "api", "3"]:
                    reply = self._of_the_api(sent, sent.parts[3:], dict(sent.query))
                case _:
                    reply = Reply(404, b"<html>no such page</html>", {"Content-Type": "text/html"})
        if sent.method != "GET" and reply.status < 300:
            self.on_write()
        return reply

    def _of_the_api(self, sent: Received, parts: list[str], query: dict[str, str]) -> Reply:
        match (sent.method, *parts):
            case ("GET", "myself"):
                return _json({"accountId": self.account, "emailAddress": EMAIL, "active": True})
            case ("GET", "mypermissions"):
                return self._my_permissions(query)
            case ("GET", "comment", comment, "properties", key):
                value = self.properties.get((comment, key))
                return _json({"key": key, "value": value}) if value else _error(404, "No property.")
            case (_, "issue", key, *rest):
                issue = self._found(key)
                if issue is None:
                    return _error(404, _NO_ISSUE)
                return self._of_an_issue(sent, key, issue, rest, query)
        return _error(404, "There is nothing here.")

    def _found(self, key: str) -> Issue | None:
        if "BROWSE_PROJECTS" not in self.permissions:
            return None
        by_number = {str(issue.number): issue for issue in self.issues.values()}
        return self.issues.get(key.upper()) or by_number.get(key)

    def _my_permissions(self, query: dict[str, str]) -> Reply:
        if "permissions" not in query:
            return _error(400, "The 'permissions' query parameter is required.")
        wanted = query["permissions"].split(",")
        if unknown := sorted(set(wanted) - set(PERMISSIONS)):
            return _error(400, f"Unrecognised permission(s): {unknown}")
        about = query.get("issueKey") or query.get("issueId")
        if about and not self._found(about):
            return _error(404, _NO_ISSUE)
        held = {
            name: {"id": "1", "key": name, "type": "PROJECT", "havePermission": name in self.permissions}
            for name in wanted
        }  # fmt: skip
        return _json({"permissions": held})

    def _of_an_issue(
        self, sent: Received, key: str, issue: Issue, rest: list[str], query: dict[str, str]
    ) -> Reply:
        match (sent.method, *rest):
            case ("GET",):
                status = {"name": issue.status, "id": str(list(WORKFLOW).index(issue.status))}
                return _json({"id": str(issue.number), "key": key, "fields": {"status": status}})
            case ("GET", "transitions"):
                return _json({"expand": "transitions", "transitions": self._ways(issue, query)})
            case ("POST", "transitions"):
                return self._take(key, issue, sent)
            case ("GET", "changelog"):
                first, most = int(query.get("startAt", 0)), int(query.get("maxResults", 100))
                some = issue.changes[first : first + most]
                is_last = first + most >= len(issue.changes)
                total = len(issue.changes)
                return _json({"values": some, "startAt": first, "isLast": is_last, "total": total})
            case ("GET", "comment"):
                newest = list(reversed(issue.comments.values()))
                newest = newest if query.get("orderBy") == "-created" else newest[::-1]
                return _json(
                    {"comments": newest[: int(query.get("maxResults", 100))], "total": len(newest)}
                )
            case ("POST", "comment"):
                return self._comment(issue, sent)
            case ("GET" | "DELETE" as method, "comment", comment):
                if comment not in issue.comments:
                    return _error(404, f"Can not find a comment for the id: {comment}.")
                if method == "GET":
                    return _json(issue.comments[comment])
                if "DELETE_OWN_COMMENTS" not in self.permissions:
                    return _error(400, "You do not have permission to delete this comment.")
                del issue.comments[comment]
                return Reply(204)
        return _error(405, "Method Not Allowed")

    def _ways(self, issue: Issue, query: dict[str, str]) -> list[dict[str, Any]]:
        if "TRANSITION_ISSUES" not in self.permissions:
            return []  # documented so: the list is empty without the permission
        ways = []
        for number, (name, to) in WORKFLOW[issue.status].items():
            way: dict[str, Any] = {"id": number, "name": name, "to": {"name": to}}
            if "transitions.fields" in query.get("expand", ""):
                way["fields"] = {
                    wanted: {"required": True, "hasDefaultValue": False, "name": wanted.title()}
                    for wanted in issue.demands.get(number, ())
                } | {"assignee": {"required": False, "hasDefaultValue": False, "name": "Assignee"}}
            ways.append(way)
        return ways

    def _take(self, key: str, issue: Issue, sent: Received) -> Reply:
        wanted = _read(sent).get("transition")
        number = wanted.get("id") if isinstance(wanted, dict) else None
        if number is None:
            return _error(400, "Missing 'transition' identifier")
        if "TRANSITION_ISSUES" not in self.permissions or number not in WORKFLOW[issue.status]:
            return _error(400, f"Transition id '{number}' is not valid for this issue.")
        if demands := issue.demands.get(number):
            return _error(400, errors={name: f"{name.title()} is required." for name in demands})
        if self.conflicts:
            self.conflicts -= 1
            return _error(409, "The issue was updated by another request.")
        self.move(key.upper(), WORKFLOW[issue.status][number][1], self.account)
        return Reply(204)

    def _comment(self, issue: Issue, sent: Received) -> Reply:
        body = _read(sent)
        if "ADD_COMMENTS" not in self.permissions:
            return _error(403, "You do not have the permission to comment on this issue.")
        if not _is_document(body.get("body")):
            return _error(400, errors={"comment": "Comment body is not valid!"})
        self._next_id += 1
        made = {
            "id": str(self._next_id),
            "author": {"accountId": self.account},
            "body": body["body"],
        }
        issue.comments[made["id"]] = made
        for each in body.get("properties", ()):
            self.properties[made["id"], each["key"]] = each["value"]
        return _json(made, 201)


def _is_document(body: object) -> bool:
    """Whether it is a document as https://developer.atlassian.com/cloud/jira/platform/apis/document says,
    of the kinds of nodes that plain text needs."""
    match body:
        case {"type": "doc", "version": 1, "content": list(paragraphs)}:
            return bool(paragraphs) and all(map(_is_paragraph, paragraphs))
    return False


def _is_paragraph(node: object) -> bool:
    match node:
        case {"type": "paragraph", "content": list(inner)}:
            return all(
                each == {"type": "hardBreak"}
                or (each.keys() == {"type", "text"} and each["type"] == "text" and each["text"])
                for each in inner
            )
    return False


def _read(sent: Received) -> dict[str, Any]:
    try:
        read = json.loads(sent.body)
    except ValueError:
        return {}
    is_json = sent.headers.get("content-type", "").startswith("application/json")
    return read if isinstance(read, dict) and is_json else {}


def _json(value: object, status: int = 200) -> Reply:
    return Reply(status, json.dumps(value).encode(), {"Content-Type": "application/json"})


def _error(status: int, *messages: str, errors: Mapping[str, str] | None = None) -> Reply:
    return _json({"errorMessages": list(messages), "errors": dict(errors or {})}, status)
