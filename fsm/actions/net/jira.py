"""Jira's REST API v3, as far as `jira-write` speaks it.

https://developer.atlassian.com/cloud/jira/platform/rest/v3/: issues, transitions, comments, permissions.
Comments are documents in the Atlassian Document Format.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlsplit

from fsm.actions.net.exchange import BUSY, Request, Web
from fsm.actions.net.jira_answers import NotThere, at, demands, failure, objects, read, said_in
from fsm.actions.net.values import ISSUE
from fsm.actions.python.skill import ActionFailed

if TYPE_CHECKING:
    from types import TracebackType

    from pydantic import JsonValue

__all__ = ["Jira", "Way", "document"]

_ALLOW: Final = "JIRA_BASE_URL leads there: mend it"
_LIMITED: Final = frozenset({429})
_PAGE: Final = 100
_MOST_COMMENTS: Final = 50


@dataclass(frozen=True, slots=True)
class Way:
    """A transition that an issue can take now; `demands` are the fields it cannot be taken without."""

    id: str
    name: str
    status: str
    demands: Sequence[str] = ()


class Jira:
    """One site, as one account, within `async with`. Everything raises `ActionFailed`."""

    def __init__(self, env: Mapping[str, str], note: Callable[[str], None]) -> None:
        given = {name: env.get(name, "") for name in ("JIRA_BASE_URL", "JIRA_EMAIL", "JIRA_TOKEN")}
        for name, value in given.items():
            if not value:
                raise ActionFailed(f"the environment variable {name} is not set")
        self._base = _base(given["JIRA_BASE_URL"])
        pair = f"{given['JIRA_EMAIL']}:{given['JIRA_TOKEN']}".encode(errors="surrogateescape")
        basic = b64encode(pair).decode()
        self._headers = {"Authorization": f"Basic {basic}", "Accept": "application/json"}
        # Whose site this is says the environment, not the plan: it may be within a private network.
        self._web = Web(
            env=env,
            network="private",
            allow=_ALLOW,
            redirects=0,
            hidden=[basic, given["JIRA_TOKEN"]],
            note=note,
        )

    async def __aenter__(self) -> Jira:
        await self._web.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._web.__aexit__(kind, error, trace)

    async def status_of(self, issue: str) -> str:
        """The name of the status that the issue is in. Raises `NotThere`."""
        found = await self._get(_of(issue), issue, fields="status")
        return str(at(found, "fields", "status", "name"))

    async def way_to(self, issue: str, before: str, status: str) -> Way:
        """The transition from where the issue is to that status. It demands no field."""
        ways = await self._ways(issue)
        leading = [way for way in ways if way.status.casefold() == status.casefold()]
        if not leading:
            can = ", ".join(f"`{name}`" for name in dict.fromkeys(way.status for way in ways))
            raise ActionFailed(
                f"no transition leads {issue} from `{before}` to `{status}`; "
                + (f"it can go to: {can}" if can else "none can be taken by this account")
            )
        free = [way for way in leading if not way.demands]
        if not free:
            demands = ", ".join(f"`{name}`" for name in leading[0].demands)
            raise ActionFailed(
                f"the transition `{leading[0].name}` of {issue} demands {demands}; fill it in by hand"
            )
        return free[0]

    async def take(self, issue: str, way: Way) -> None:
        """Let the issue take that transition."""
        body: dict[str, JsonValue] = {"transition": {"id": way.id}}
        await self._ask("POST", _of(issue, "transitions"), issue, body=body)

    async def came_from(self, issue: str, status: str) -> str | None:
        """The status before that one, if the last change into it was made by this account."""
        account = at(await self._get("/rest/api/3/myself", "this account"), "accountId")
        last = None
        async for change in self._pages(_of(issue, "changelog"), issue, "values"):
            for item in change.get("items") or ():
                is_status = item.get("fieldId") == "status" or item.get("field") == "status"
                if is_status and str(item.get("toString", "")).casefold() == status.casefold():
                    is_own = (change.get("author") or {}).get("accountId") == account
                    last = str(item.get("fromString")) if is_own else None
        return last

    async def refused(self, issue: str, *permissions: str) -> Sequence[str]:
        """Those permissions that this account has not on the issue."""
        names = ",".join(permissions)
        path = "/rest/api/3/mypermissions"
        which = {"issueId" if issue.isdecimal() else "issueKey": issue}
        found = await self._get(path, issue, permissions=names, **which)
        held = at(found, "permissions")
        return [
            name
            for name in permissions
            if not (isinstance(held, dict) and (held.get(name) or {}).get("havePermission"))
        ]

    async def add_comment(self, issue: str, body: str, mark: str, value: str) -> str:
        """The id of a new comment, which carries the mark in a property of its own."""
        properties = [{"key": mark, "value": {"step": value}}]
        sent: dict[str, Any] = {"body": document(body), "properties": properties}
        return str(at(await self._ask("POST", _of(issue, "comment"), issue, body=sent), "id"))

    async def comment_marked(self, issue: str, mark: str, value: str) -> str | None:
        """The id of the comment that carries the mark, among the newest ones of this account."""
        account = at(await self._get("/rest/api/3/myself", "this account"), "accountId")
        path = _of(issue, "comment")
        found = await self._get(path, issue, orderBy="-created", maxResults=str(_MOST_COMMENTS))
        for comment in objects(found, "comments"):
            if at(comment, "author", "accountId") != account:
                continue
            made = str(at(comment, "id"))
            place = f"/rest/api/3/comment/{quote(made, safe='')}/properties/{quote(mark, safe='')}"
            try:
                known = await self._get(place, issue)
            except NotThere:
                continue
            if known.get("value") == {"step": value}:
                return made
        return None

    async def has_comment(self, issue: str, comment: str) -> bool:
        """Whether the comment is there."""
        try:
            await self._get(_of(issue, "comment", comment), issue)
        except NotThere:
            return False
        return True

    async def delete_comment(self, issue: str, comment: str) -> None:
        """Delete the comment, if it is there."""
        try:
            await self._ask("DELETE", _of(issue, "comment", comment), issue)
        except NotThere:
            await self.status_of(issue)  # the comment is gone, not the issue

    async def _ways(self, issue: str) -> Sequence[Way]:
        path = _of(issue, "transitions")
        found = await self._get(path, issue, expand="transitions.fields")
        return [
            Way(
                str(at(way, "id")),
                str(at(way, "name")),
                str(at(way, "to", "name")),
                tuple(demands(way.get("fields"))),
            )
            for way in objects(found, "transitions")
            if way.get("isAvailable", True)
        ]

    async def _pages(self, path: str, issue: str, key: str) -> Any:
        start = 0
        while True:
            page = await self._get(path, issue, startAt=str(start), maxResults=str(_PAGE))
            items = objects(page, key)
            for item in items:
                yield item
            start += len(items)
            if not items or page.get("isLast", start >= int(page.get("total") or 0)):
                return

    async def _get(self, path: str, about: str, **query: str) -> dict[str, Any]:
        return await self._ask("GET", path, about, query=query)

    async def _ask(
        self,
        method: str,
        path: str,
        about: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, JsonValue] | None = None,
    ) -> dict[str, Any]:
        headers = self._headers
        if body is not None:
            headers = {**headers, "Content-Type": "application/json"}
        request = Request(
            method=method,
            url=f"{self._base}{path}",
            headers=headers,
            query=tuple((query or {}).items()),
            content=b"" if body is None else json.dumps(body).encode(),
        )
        # A write that was turned away by the rate limit was not made; any other one may have been.
        answer = await self._web.send(request, busy=BUSY if method == "GET" else _LIMITED)
        if 200 <= answer.status < 300:
            return read(answer)
        said = self._web.masked(said_in(answer))
        raise failure(answer, about, f": {said}" if said else "")


def document(text: str) -> dict[str, JsonValue]:
    """Plain text as a document: empty lines part paragraphs, the other line ends are breaks within one."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    paragraphs: list[JsonValue] = [
        {"type": "paragraph", "content": list(_lines(part))}
        for part in re.split(r"\n[ \t]*\n\s*", plain.strip("\n"))
    ]
    return {"type": "doc", "version": 1, "content": paragraphs}


def _lines(paragraph: str) -> Iterator[JsonValue]:
    for number, line in enumerate(paragraph.split("\n")):
        if number:
            yield {"type": "hardBreak"}
        if line:
            yield {"type": "text", "text": line}


def _base(url: str) -> str:
    """The site without a slash at its end. A token is sent in the clear to this machine alone."""
    words = "JIRA_BASE_URL must be the address of a site, such as https://example.atlassian.net"
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise ActionFailed(words) from None
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        raise ActionFailed(words)
    if parts.query or parts.fragment:
        raise ActionFailed(words)
    if parts.scheme == "http" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
        raise ActionFailed("JIRA_BASE_URL is not https: everybody on the way could read the token")
    return url.rstrip("/")


def _of(issue: str, *rest: str) -> str:
    """The path of an issue, or of what belongs to it. What an author wrote stays one segment of it."""
    if not ISSUE.fullmatch(issue):
        raise ActionFailed(f"{issue[:80]!r} is no key of an issue, such as `PROJ-123`")
    return "/rest/api/3/issue/" + "/".join(quote(part, safe="") for part in (issue, *rest))
