"""`http.get` and `http.request`: what a server answers becomes outputs."""

from __future__ import annotations

import json as json_text
from urllib.parse import urlencode

from pydantic import JsonValue

from fsm.actions.net.addresses import Network
from fsm.actions.net.extraction import extracted
from fsm.actions.net.values import Headers, Seconds, Statuses, Url
from fsm.actions.python.skill import ActionFailed, Context
from fsm.actions.skills.http.skill import (
    MOST_BYTES,
    Extract,
    Method,
    MostBytes,
    Query,
    Redirects,
    Retries,
    answered,
    encoded,
    http,
    look_up,
    pairs,
    web,
)

__all__ = ["get", "reach", "request"]


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
    max_bytes: MostBytes = MOST_BYTES,
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

    asked = Request(method="GET", url=url, headers=headers or {}, query=pairs(query))
    sender = web(context, network, headers, timeout, retries, redirects, max_bytes)
    answer = await answered(asked, sender, expect)
    return {"status": answer.status, **extracted(answer, extract or {})}


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
    max_bytes: MostBytes = MOST_BYTES,
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
    asked = Request(method=method, url=url, headers=sent, query=pairs(query), content=content)
    times = retries if repeatable or method in REPEATABLE else 0
    sender = web(context, network, headers, timeout, times, redirects, max_bytes)
    answer = await answered(asked, sender, expect)
    return {"status": answer.status, **extracted(answer, extract or {})}


get.inspect(look_up)
request.inspect(look_up)


@get.dry_run
async def reach(
    url: Url,
    context: Context,
    timeout: Seconds = 30.0,
    network: Network = "public",
) -> None:
    """Look the host up, judge its addresses and connect to it, with TLS; nothing is sent."""
    await web(context, network, None, timeout).reach(url)


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
        return "text/plain; charset=utf-8", encoded(body, "body")
    if form is not None:
        pairs = {encoded(name, "form"): encoded(value, "form") for name, value in form.items()}
        return "application/x-www-form-urlencoded", urlencode(pairs).encode()
    if json is not None:
        return "application/json", json_text.dumps(json).encode()
    return "", b""
