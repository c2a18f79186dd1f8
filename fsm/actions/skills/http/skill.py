"""What the actions of `http` share: what they may be given, and how what they send is sent.

Where a request may go is bounded (`network`), names are looked up once, and each redirect is judged anew
(F77). What is sent is never told: neither headers nor the query of a URL reach a log or an error. Requests
go straight to the server: proxies of the environment are not used.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO, Final, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from fsm.actions.net.addresses import Network
from fsm.actions.net.values import Url
from fsm.actions.python.skill import ActionFailed, Context, Lack, Skill

if TYPE_CHECKING:
    from fsm.actions.net.exchange import Answer, Request, Web

__all__ = [
    "MOST_BYTES",
    "Extract",
    "Method",
    "MostBytes",
    "Query",
    "Redirects",
    "Retries",
    "answered",
    "encoded",
    "http",
    "look_up",
    "pairs",
    "web",
]

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

MOST_BYTES: Final = 10 << 20
_LEAST_HIDDEN: Final = 8


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


def web(
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


async def answered(
    asked: Request, web: Web, expect: frozenset[int], into: BinaryIO | None = None
) -> Answer:
    """The answer, of an expected status; `into` takes its body. Raises `ActionFailed`."""
    from fsm.actions.net.exchange import BUSY

    async with web:
        answer = await web.send(asked, busy=BUSY - expect, into=into)
    if answer.status not in expect:
        said = web.masked(answer.excerpt())
        message = f"{answer.request} gave {answer.status}, not {_told(expect)}"
        raise ActionFailed(f"{message}: {said}" if said else message)
    return answer


def pairs(query: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    return [
        (name, _word(value))
        for name, values in (query or {}).items()
        for value in (values if isinstance(values, list) else [values])
    ]


def _word(value: str | float) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    encoded(text, "query")
    return text


def encoded(text: str, what: str) -> bytes:
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
