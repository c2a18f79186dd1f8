"""`http.download`: what a server answers becomes a file, and undoing brings back what was there."""

from __future__ import annotations

import os
from hashlib import sha256 as sha256_of
from tempfile import TemporaryFile
from typing import Annotated, Any, BinaryIO, Final

from pydantic import Field, JsonValue

from fsm.actions.net.addresses import Network
from fsm.actions.net.values import Headers, Seconds, Url
from fsm.actions.output.log import make_folder
from fsm.actions.places.confined import Missing, opened, pieces, told
from fsm.actions.places.judged import can_take, replaceable
from fsm.actions.places.kept import Kept
from fsm.actions.python.calling import called
from fsm.actions.python.skill import ActionFailed, Context
from fsm.actions.skills.files import files
from fsm.actions.skills.http.requests import reach
from fsm.actions.skills.http.skill import (
    MostBytes,
    Query,
    Redirects,
    Retries,
    answered,
    http,
    look_up,
    pairs,
    web,
)
from fsm.plan.skill import Undo

__all__ = ["download"]

Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]

_MOST_BYTES: Final = 100 << 20
_SUCCESS: Final = frozenset(range(200, 300))


@http.action(
    undo=Undo(action="restore", params={}),
    idempotent=True,
    outputs=["status", "bytes", "sha256"],
)
async def download(
    url: Url,
    to: str,
    context: Context,
    headers: Headers | None = None,
    query: Query | None = None,
    sha256: Digest | None = None,
    timeout: Seconds = "10m",
    retries: Retries = 3,
    redirects: Redirects = 5,
    max_bytes: MostBytes = _MOST_BYTES,
    network: Network = "public",
    outside: bool = False,
) -> dict[str, JsonValue]:
    """Write what is at a URL to a file, in place of what is in it, and only if it came whole.

    url: where, of http or https; a user and a password belong into `headers`
    to: the file; its folder must be there
    headers: sent along, by name
    query: added to the URL: text, numbers, or lists of these, by name
    sha256: what the file's SHA-256 must be, as 64 hexadecimal digits
    timeout: for each attempt as a whole
    retries: how often it is asked again after 429 or 5xx, as `Retry-After` says
    redirects: how many are followed, never to another scheme, and with headers only on the same host
    max_bytes: the largest file that is taken
    network: `public`; `private` allows private and loopback addresses too, `any` also link-local ones
    outside: whether the file may lie outside of the plan's folder
    """
    from fsm.actions.net.exchange import Request

    assert context.kept is not None
    can_take(to, context, outside)
    make_folder(str(context.kept))
    asked = Request(method="GET", url=url, headers=headers or {}, query=pairs(query))
    sender = web(context, network, headers, timeout, retries, redirects, max_bytes)
    with TemporaryFile(dir=context.kept) as content:
        answer = await answered(asked, sender, _SUCCESS, into=content)
        found, size = _digest(content), content.tell()
        if sha256 is not None and found != sha256:
            raise ActionFailed(f"what {answer.request} gave has the SHA-256 {found}, not {sha256}")
        given: dict[str, Any] = {"content": content, "to": to, "context": context}
        await called(_placed, {**given, "outside": outside})
    return {"status": answer.status, "bytes": size, "sha256": found}


@download.check
def is_downloaded(to: str, context: Context, outside: bool = False) -> bool | dict[str, JsonValue]:
    """Whether this step has written the file, and it is as it was written."""
    assert context.kept is not None
    kept = Kept(context.kept)
    slot = kept.latest()
    if slot is None:
        return False
    after = slot.places[-1].after
    try:
        with told(to), opened(to, context, outside=outside) as spot:
            return {"sha256": after.sha256} if kept.is_done([(spot, after)]) else False
    except Missing:
        return False


@download.dry_run
async def can_download(
    url: Url,
    to: str,
    context: Context,
    timeout: Seconds = 30.0,
    network: Network = "public",
    outside: bool = False,
) -> None:
    """Whether the file may be written there; connect to the server, and send nothing."""
    can_take(to, context, outside)
    await reach(url, context, timeout, network)


download.inspect(look_up)
http.action(name="restore", idempotent=True)(files.actions["restore"].function)


def _digest(content: BinaryIO) -> str:
    """The SHA-256 of the file, which is then read to its end."""
    content.flush()
    content.seek(0)
    digest = sha256_of()
    while piece := content.read(1 << 20):
        digest.update(piece)
    return digest.hexdigest()


def _placed(content: BinaryIO, to: str, context: Context, outside: bool) -> None:
    """Put what was downloaded into its place, in one step; what was there before is kept."""
    assert context.kept is not None
    with told(to), opened(to, context, outside=outside) as spot:
        replaceable(spot)
        os.lseek(content.fileno(), 0, os.SEEK_SET)
        Kept(context.kept).replace(spot, pieces(content.fileno()), None)
