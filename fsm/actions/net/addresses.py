"""Which addresses an action may reach (F77): looked up once, judged, and then connected to as they are."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Sequence
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final, Literal

from fsm.actions.python.skill import ActionFailed

__all__ = ["ALLOW", "AddressRefused", "Network", "addresses_of", "looked_up", "network_of"]

Network = Literal["public", "private", "any"]
"""How far an action may reach: addresses of the internet; also private and loopback ones; also link-local
ones and those where clouds give out credentials (metadata). Each includes the one before it.
"""

ALLOW: Final = "if it is meant, allow it with `network: {network}`"

_METADATA: Final = frozenset(
    map(
        ip_address,
        (
            "100.100.100.200",  # Alibaba Cloud
            "168.63.129.16",  # Azure
            "192.0.0.192",  # Oracle Cloud
            "fd00:ec2::254",  # AWS
            "fd20:ce::254",  # Google Cloud
        ),
    )
)
_NAT64: Final = ip_network("64:ff9b::/96")
_RANKS: Final[Sequence[Network]] = ("public", "private", "any")


class AddressRefused(ActionFailed):
    """The address lies outside of what the action may reach: trying again changes nothing."""


async def addresses_of(host: str, port: int, network: Network, allow: str = ALLOW) -> Sequence[str]:
    """The addresses of a host, in the order to try them; every one of them lies within `network`.

    Raises `ActionFailed` if the name has none, and `AddressRefused` if any lies outside; `allow` says how
    that is allowed.
    """
    try:
        texts = await looked_up(host, port)
    except (OSError, UnicodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no name of a host"
        raise ActionFailed(f"the host `{host}` is not found: {why}") from None
    for text in texts:
        asked = network_of(text)
        if _RANKS.index(asked) > _RANKS.index(network):
            kind = "private" if asked == "private" else "link-local or metadata"
            named = f"`{host}` is" if host == text else f"`{host}` is {text},"
            raise AddressRefused(
                f"{named} a {kind} address, which is refused; {allow.format(network=asked)}"
            )
    return texts


def network_of(text: str) -> Network:
    """The narrowest network that includes the address; one that wraps another is judged by the inner one."""
    address = _unwrapped(ip_address(text.partition("%")[0]))
    if address in _METADATA:
        return "any"
    if address.is_loopback:
        return "private"
    if address.is_link_local or address.is_multicast or address.is_reserved:
        return "any"
    if address.is_unspecified:
        return "any"
    return "public" if address.is_global else "private"


def _unwrapped(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    inner = address.ipv4_mapped or address.sixtofour
    return inner or (address.teredo[1] if address.teredo else address)


async def looked_up(host: str, port: int) -> Sequence[str]:
    """The addresses, by a thread that is left alone if this is cancelled: name servers may be silent.

    Raises `OSError`, and `UnicodeError` for what is no name.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[Sequence[str]] = loop.create_future()

    def conclude(found: Sequence[str], error: Exception | None) -> None:
        if answer.done():
            return
        if error is None:
            answer.set_result(found)
        else:
            answer.set_exception(error)

    def look_up() -> None:
        found: Sequence[str] = ()
        failure: Exception | None = None
        try:
            told = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            found = list(dict.fromkeys(str(address[4][0]) for address in told))
        except (OSError, UnicodeError) as error:
            failure = error
        with suppress(RuntimeError):  # the loop is closed: nobody waits
            loop.call_soon_threadsafe(conclude, found, failure)

    threading.Thread(target=look_up, name="fsm-lookup", daemon=True).start()
    return await answer
