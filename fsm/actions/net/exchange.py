"""One request and its answer: redirects, limits and repetition, in words that name no secret."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from io import BytesIO
from typing import TYPE_CHECKING, BinaryIO, Final

import httpx

from fsm.actions.net.addresses import ALLOW, Network
from fsm.actions.net.connecting import words_of
from fsm.actions.net.transport import CheckedTransport, reach
from fsm.actions.net.waiting import LONGEST_SECONDS, pause_seconds
from fsm.actions.output.masking import Masker
from fsm.actions.python.skill import ActionFailed
from fsm.plan.duration import brief_duration

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["BUSY", "REPEATABLE", "Answer", "Request", "Web", "shown"]

REPEATABLE: Final = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
"""The methods that have the same effect when they are repeated (RFC 9110, 9.2.2)."""

BUSY: Final = frozenset({429, *range(500, 600)})
"""What a server says that may answer in a while."""

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_KEPT_ELSEWHERE: Final = ("accept", "accept-language", "user-agent")
_OWN_HEADERS: Final = {"Accept": "*/*", "Accept-Encoding": "gzip, deflate", "User-Agent": "fsm"}
_EXCERPT: Final = 200
_MOST_BYTES: Final = 10 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is sent. `url` is absolute; what `query` holds is added to its own. `content` is the body."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Sequence[tuple[str, str]] = ()
    content: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back; `body` is decoded, and empty if it went into a file. `request` names what was asked."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    request: str

    def excerpt(self) -> str:
        """The beginning of the body on one line; "" if it is empty or not text."""
        text = " ".join(self.body[: 4 * _EXCERPT].decode(errors="replace").split())
        if not text.isprintable() or "\ufffd" in text[:_EXCERPT]:
            return ""
        return text if len(text) <= _EXCERPT else f"{text[:_EXCERPT]}…"


@dataclass(kw_only=True)
class Web:
    """Sends requests for one action, within `async with`.

    `timeout_seconds` bounds each attempt as a whole, `most_bytes` an answer's body. A request is repeated
    up to `retries` times if it is answered by one of `busy`. `hidden` are texts to mask beside the run's
    secrets, such as what was made of one.
    """

    env: Mapping[str, str]
    network: Network = "public"
    allow: str = ALLOW
    timeout_seconds: float = 30.0
    most_bytes: int = _MOST_BYTES
    redirects: int = 5
    retries: int = 3
    hidden: Sequence[str] = ()
    note: Callable[[str], None] = lambda _: None
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def __aenter__(self) -> Web:
        self._transport = CheckedTransport(self.network, self.env, self.allow)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._transport.aclose()

    async def send(
        self, request: Request, *, busy: Collection[int] = BUSY, into: BinaryIO | None = None
    ) -> Answer:
        """The answer, whatever its status. Raises `ActionFailed` if there is none.

        `into` takes the body of a success.
        """
        attempt = 1
        while True:
            answer = await self._bounded(request, into)
            self.note(f"{answer.request}: {answer.status}, {len(answer.body)} bytes")
            if answer.status not in busy or attempt > self.retries:
                return answer
            seconds = pause_seconds(attempt, answer.headers.get("retry-after"), time.time())
            if seconds is None:
                asked = answer.headers["retry-after"]
                raise ActionFailed(
                    f"{answer.request} gave {answer.status} and asks to come back later "
                    f"(`Retry-After: {_brief(asked)}`); at most {brief_duration(LONGEST_SECONDS)} are waited"
                )
            self.note(f"again in {brief_duration(seconds)}")
            await self.sleep(seconds)
            attempt += 1

    def masked(self, text: str) -> str:
        """The text without what is hidden."""
        masker = Masker([hidden.encode(errors="surrogateescape") for hidden in self.hidden])
        return masker.mask(text.encode(errors="replace")).decode()

    async def reach(self, url: str) -> None:
        """Connect to the server and send nothing. Raises `ActionFailed` if that cannot be."""
        try:
            async with asyncio.timeout(self.timeout_seconds):
                await reach(_parsed(url), self.network, self.env, self.allow)
        except TimeoutError:
            raise ActionFailed(
                f"cannot connect to {shown(url)} within {brief_duration(self.timeout_seconds)}"
            ) from None

    async def _bounded(self, request: Request, into: BinaryIO | None) -> Answer:
        what = f"{request.method} {shown(request.url)}"
        try:
            async with asyncio.timeout(self.timeout_seconds):
                return await self._followed(request, what, into)
        except TimeoutError:
            within = brief_duration(self.timeout_seconds)
            raise ActionFailed(f"{what} has no answer within {within}") from None
        except httpx.ConnectError as error:
            raise ActionFailed(f"{what} cannot connect: {words_of(error)}") from None
        except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, UnicodeError) as error:
            raise ActionFailed(f"{what} failed: {self.masked(words_of(error))}") from None

    async def _followed(self, request: Request, what: str, into: BinaryIO | None) -> Answer:
        url = _parsed(request.url)
        if request.query:
            url = url.copy_merge_params(httpx.QueryParams(list(request.query)))
        followed = 0
        while True:
            answer = await self._once(request, url, what, into)
            location = answer.headers.get("location")
            if answer.status not in _REDIRECTS or location is None or not self.redirects:
                return answer
            followed += 1
            if followed > self.redirects:
                raise ActionFailed(f"{what} is redirected more than {self.redirects} times")
            request, url = _redirected(request, url, answer.status, location, what)
            self.note(f"{what}: {answer.status}, redirected to {url.host}")

    async def _once(
        self, request: Request, url: httpx.URL, what: str, into: BinaryIO | None
    ) -> Answer:
        headers = httpx.Headers(_OWN_HEADERS)
        headers.update(request.headers)
        sent = httpx.Request(request.method, url, headers=headers, content=request.content or None)
        response = await self._transport.handle_async_request(sent)
        try:
            body: BinaryIO = into if into is not None and response.is_success else BytesIO()
            size = 0
            async for piece in response.aiter_bytes():
                size += len(piece)
                if size > self.most_bytes:
                    most = f"{self.most_bytes} bytes (`max_bytes`)"
                    raise ActionFailed(f"the answer to {what} is larger than {most}")
                body.write(piece)
        finally:
            await response.aclose()
        read = body.getvalue() if isinstance(body, BytesIO) else b""
        return Answer(
            status=response.status_code, headers=response.headers, body=read, request=what
        )


def shown(url: str) -> str:
    """The URL as it may be told: without what often holds secrets, its query and its fragment."""
    return _brief(url.partition("?")[0].partition("#")[0])


def _redirected(
    request: Request, url: httpx.URL, status: int, location: str, what: str
) -> tuple[Request, httpx.URL]:
    """The next request. Raises `ActionFailed` if it may not be made.

    Elsewhere go neither a body nor the headers that were given, for they may hold secrets.
    """
    try:
        target = url.join(location)
    except (httpx.InvalidURL, ValueError):
        raise ActionFailed(f"{what} is redirected to what is no URL") from None
    if target.scheme != url.scheme and (url.scheme, target.scheme) != ("http", "https"):
        raise ActionFailed(
            f"{what} is redirected to the scheme `{_brief(target.scheme)}`, which is refused"
        )
    if not target.host:
        raise ActionFailed(f"{what} is redirected to what has no host")
    target = target.copy_with(userinfo=b"")
    is_answered = status == 303 and request.method != "HEAD"
    if is_answered or (status in (301, 302) and request.method == "POST"):
        request = replace(request, method="GET", content=b"")
    is_elsewhere = (target.host, target.port) != (url.host, url.port)
    if is_elsewhere and request.content:
        raise ActionFailed(
            f"{what} is redirected to {target.host}, where its body is not sent; mend `url`"
        )
    headers = {
        name: value
        for name, value in request.headers.items()
        if not is_elsewhere or name.lower() in _KEPT_ELSEWHERE
    }
    if not request.content:
        headers = {name: headers[name] for name in headers if name.lower() != "content-type"}
    return replace(request, headers=headers), target


def _parsed(url: str) -> httpx.URL:
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, UnicodeError, ValueError) as error:
        raise ActionFailed(f"`{shown(url)}` is no URL: {error}") from None
    if parsed.scheme not in ("http", "https") or not parsed.host or parsed.userinfo:
        raise ActionFailed(f"`{shown(url)}` is no URL of the form https://HOST/PATH")
    return parsed


def _brief(text: str) -> str:
    return text if len(text) <= _EXCERPT else f"{text[:_EXCERPT]}…"
