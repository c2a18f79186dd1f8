"""The skill `http`: requests to servers, by httpx.

Where a request may go is bounded (`network`), names are looked up once, and each redirect is judged anew
(F77). What is sent is never told: neither headers nor the query of a URL reach a log or an error.
"""

from __future__ import annotations

import json as json_text
from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal
from urllib.parse import urlencode

from pydantic import AfterValidator, Field, JsonValue
from pydantic_core import PydanticCustomError

from fsm.actions.net.addresses import Network
from fsm.actions.net.extraction import extracted
from fsm.actions.net.values import Headers, Seconds, Statuses, Url
from fsm.actions.skill import ActionFailed, Context, Lack, Skill

if TYPE_CHECKING:
    from fsm.actions.net.exchange import Request, Web

__all__ = ["http"]

http = Skill("http", "Send requests to servers, and take values out of what they answer.")


def _names(extract: dict[str, str]) -> dict[str, str]:
    for name in extract:
        if not name.isidentifier() or not name.isascii() or name == "status":
            raise PydanticCustomError("name", f"has {name!r}, which cannot name an output")
    return extract


Extract = Annotated[dict[str, str], AfterValidator(_names)]
Query = dict[str, str | int | float | bool | list[str | int | float | bool]]
Retries = Annotated[int, Field(ge=0, le=10)]
MostBytes = Annotated[int, Field(ge=0, le=1 << 30)]
Redirects = Annotated[int, Field(ge=0, le=20)]
Method = Literal["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"]

_MOST_BYTES: Final = 10 << 20
_LEAST_HIDDEN: Final = 8


@http.action(risk="read", outputs=["status"])
async def get(
    url: Url,
    context: Context,
    headers: Headers | None = None,
    query: Query | None = None,
    expect: Statuses = "2xx",
    extract: Extract | None = None,
    timeout: Seconds = "30s",
    retries: Retries = 3,
    redirects: Redirects = 5,
    max_bytes: MostBytes = _MOST_BYTES,
    network: Network = "public",
) -> dict[str, JsonValue]:
    """Ask for what is at a URL.

    url: where, of http or https; a user and a password belong into `headers`
    headers: sent along, by name
    query: added to the URL: text, numbers, or lists of these, by name
    expect: the status of a success: `200`, `2xx`, `200-204`, or a list of these
    extract: outputs by name: `/items/0/id` or `items.0.id` of a JSON answer, `header:NAME`, or `body:`
    timeout: for each attempt as a whole
    retries: how often it is asked again after 429 or 5xx, as `Retry-After` says
    redirects: how many are followed, never to another scheme, and with headers only on the same host
    max_bytes: the largest body that is taken
    network: `public`; `private` allows private and loopback addresses too, `any` also link-local ones
    """
    from fsm.actions.net.exchange import Request

    asked = Request(method="GET", url=url, headers=headers or {}, query=_query(query))
    return await _sent(
        asked,
        _web(context, network, headers, timeout, retries, redirects, max_bytes),
        expect,
        extract,
    )


@http.action(risk="write", outputs=["status"])
async def request(
    method: Method,
    url: Url,
    context: Context,
    headers: Headers | None = None,
    query: Query | None = None,
    json: JsonValue = None,
    body: str | None = None,
    form: dict[str, str] | None = None,
    expect: Statuses = "2xx",
    extract: Extract | None = None,
    timeout: Seconds = "30s",
    retries: Retries = 3,
    repeatable: bool = False,
    redirects: Redirects = 5,
    max_bytes: MostBytes = _MOST_BYTES,
    network: Network = "public",
) -> dict[str, JsonValue]:
    """Send a request that may change something.

    method: what to do there
    url: where, of http or https; a user and a password belong into `headers`
    headers: sent along, by name
    query: added to the URL: text, numbers, or lists of these, by name
    json: the body, sent as JSON; of `json`, `body` and `form` there is at most one
    body: the body, sent as text
    form: the body, sent as a form
    expect: the status of a success: `200`, `2xx`, `200-204`, or a list of these
    extract: outputs by name: `/items/0/id` or `items.0.id` of a JSON answer, `header:NAME`, or `body:`
    timeout: for each attempt as a whole
    retries: how often it is sent again after 429 or 5xx, as `Retry-After` says
    repeatable: whether POST and PATCH are sent again as well
    redirects: how many are followed, never to another scheme, and with headers and body only on the same host
    max_bytes: the largest body that is taken
    network: `public`; `private` allows private and loopback addresses too, `any` also link-local ones
    """
    from fsm.actions.net.exchange import REPEATABLE, Request

    kind, content = _content(json, body, form)
    given = {name.lower() for name in headers or {}}
    sent = {
        **(headers or {}),
        **({"Content-Type": kind} if kind and "content-type" not in given else {}),
    }
    asked = Request(method=method, url=url, headers=sent, query=_query(query), content=content)
    times = retries if repeatable or method in REPEATABLE else 0
    return await _sent(
        asked,
        _web(context, network, headers, timeout, times, redirects, max_bytes),
        expect,
        extract,
    )


@get.dry_run
async def reach(
    url: Url,
    context: Context,
    timeout: Seconds = 30.0,
    network: Network = "public",
) -> None:
    """Look the host up, judge its addresses and connect to it, with TLS; nothing is sent."""
    web = _web(context, network, None, timeout)
    await web.reach(url)


@request.dry_run
async def reach_with_body(
    url: Url,
    context: Context,
    json: JsonValue = None,
    body: str | None = None,
    form: dict[str, str] | None = None,
    timeout: Seconds = 30.0,
    network: Network = "public",
) -> None:
    """The same; and whether there is more than one body."""
    _content(json, body, form)
    await reach(url, context, timeout, network)


@get.inspect
@request.inspect
async def look_up(url: Url, network: Network = "public") -> AsyncIterator[Lack]:
    """Whether the host is known, and may be reached."""
    from urllib.parse import urlsplit

    from fsm.actions.net.addresses import AddressRefused, addresses_of

    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        await addresses_of(parts.hostname or "", port, network)
    except AddressRefused as error:
        yield Lack("permissions", str(error))
    except ActionFailed as error:
        yield Lack("targets", str(error), "mend `url`, or see that the name is known here")


def _web(
    context: Context,
    network: Network,
    headers: Mapping[str, str] | None,
    timeout: float,
    retries: int = 0,
    redirects: int = 0,
    max_bytes: int = 0,
) -> Web:
    from fsm.actions.net.exchange import Web

    hidden = [word for value in (headers or {}).values() for word in (value, *value.split())]
    return Web(
        env=context.env,
        network=network,
        timeout_seconds=timeout,
        retries=retries,
        redirects=redirects,
        most_bytes=max_bytes,
        hidden=[word for word in hidden if len(word) >= _LEAST_HIDDEN],
        note=context.note,
    )


async def _sent(
    asked: Request, web: Web, expect: frozenset[int], extract: Mapping[str, str] | None
) -> dict[str, JsonValue]:
    """What came of it, as outputs. Raises `ActionFailed`."""
    async with web:
        answer = await web.send(asked)
    if answer.status not in expect:
        said = web.masked(answer.excerpt())
        message = f"{answer.request} gave {answer.status}, not {_told(expect)}"
        raise ActionFailed(f"{message}: {said}" if said else message)
    return {"status": answer.status, **extracted(answer, extract or {})}


def _content(json: JsonValue, body: str | None, form: dict[str, str] | None) -> tuple[str, bytes]:
    """The type and the bytes of the body. Raises `ActionFailed` if it is given twice."""
    given = [
        name
        for name, value in (("json", json), ("body", body), ("form", form))
        if value is not None
    ]
    if len(given) > 1:
        raise ActionFailed(f"the request has {' and '.join(map('`{}`'.format, given))}; give one")
    if body is not None:
        return "text/plain; charset=utf-8", _encoded(body, "body")
    if form is not None:
        pairs = {_encoded(name, "form"): _encoded(value, "form") for name, value in form.items()}
        return "application/x-www-form-urlencoded", urlencode(pairs).encode()
    if json is not None:
        return "application/json", json_text.dumps(json).encode()
    return "", b""


def _query(query: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    return [
        (name, _word(value))
        for name, values in (query or {}).items()
        for value in (values if isinstance(values, list) else [values])
    ]


def _word(value: str | float) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    _encoded(text, "query")
    return text


def _encoded(text: str, what: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise ActionFailed(f"`{what}` holds what is no text: half a character") from None


def _told(expect: frozenset[int]) -> str:
    """The statuses, whole families in short: `2xx or 404`."""
    families = [
        hundred for hundred in range(1, 6) if expect >= {*range(hundred * 100, hundred * 100 + 100)}
    ]
    single = sorted(status for status in expect if status // 100 not in families)
    words = [f"{family}xx" for family in families] + [str(status) for status in single]
    return " or ".join(words if len(words) <= 6 else [*words[:5], "…"])
