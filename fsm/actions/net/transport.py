"""Connections that go to the addresses that were judged, and to no others (F77)."""

from __future__ import annotations

import ssl
from collections.abc import Mapping

import certifi
import httpx

from fsm.actions.net.addresses import ALLOW, Network, addresses_of
from fsm.actions.net.connecting import connect, words_of
from fsm.actions.python.skill import ActionFailed

__all__ = ["CheckedTransport", "reach", "trusted"]

_PORTS: Mapping[str, int] = {"http": 80, "https": 443}


class CheckedTransport(httpx.AsyncBaseTransport):
    """Looks each host up once, judges what it finds, and connects to that; names are not looked up again.

    TLS is still held to the name. Nothing is kept open between requests: a connection made for one name
    never serves another one.
    """

    def __init__(self, network: Network, env: Mapping[str, str], allow: str = ALLOW) -> None:
        self._network = network
        self._env = env
        self._allow = allow
        self._inner: dict[str, httpx.AsyncHTTPTransport] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send it to the first address that takes it. Raises what httpx does, and `ActionFailed`."""
        url = request.url
        host = url.raw_host.decode("ascii")
        addresses = await addresses_of(host, _port(url), self._network, self._allow)
        extensions = dict(request.extensions)
        if url.scheme == "https" and host not in addresses:
            extensions["sni_hostname"] = host
        inner = self._of(url.scheme)
        failure: httpx.TransportError | None = None
        for address in addresses:
            pinned = httpx.Request(
                request.method,
                url.copy_with(host=address.partition("%")[0]),
                headers=request.headers,
                stream=request.stream,
                extensions=extensions,
            )
            try:
                return await inner.handle_async_request(pinned)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                failure = error
        assert failure is not None
        raise failure

    async def aclose(self) -> None:
        """Close what is open."""
        for inner in self._inner.values():
            await inner.aclose()

    def _of(self, scheme: str) -> httpx.AsyncHTTPTransport:
        if scheme not in self._inner:
            context = (
                trusted(self._env) if scheme == "https" else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            )
            limits = httpx.Limits(max_keepalive_connections=0)
            self._inner[scheme] = httpx.AsyncHTTPTransport(verify=context, limits=limits)
        return self._inner[scheme]


async def reach(
    url: httpx.URL, network: Network, env: Mapping[str, str], allow: str = ALLOW
) -> None:
    """Connect to the URL's server, with TLS if it is of https, and say nothing. Raises `ActionFailed`."""
    tls = trusted(env) if url.scheme == "https" else None
    await connect(url.raw_host.decode("ascii"), _port(url), network, allow, tls)


def trusted(env: Mapping[str, str]) -> ssl.SSLContext:
    """Whom TLS trusts: SSL_CERT_FILE and SSL_CERT_DIR, else certifi's list. Raises `ActionFailed`."""
    file, folder = env.get("SSL_CERT_FILE"), env.get("SSL_CERT_DIR")
    if not file and not folder:
        file = certifi.where()
    try:
        return ssl.create_default_context(cafile=file or None, capath=folder or None)
    except OSError as error:
        raise ActionFailed(
            f"SSL_CERT_FILE or SSL_CERT_DIR cannot be read: {words_of(error)}"
        ) from None


def _port(url: httpx.URL) -> int:
    return url.port or _PORTS[url.scheme]
