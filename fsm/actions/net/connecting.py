"""Connecting to a server, at an address that was judged, and saying nothing."""

from __future__ import annotations

import asyncio
import os
import ssl

from fsm.actions.net.addresses import ALLOW, Network, addresses_of
from fsm.actions.python.skill import ActionFailed

__all__ = ["connect", "words_of"]


async def connect(
    host: str, port: int, network: Network, allow: str = ALLOW, tls: ssl.SSLContext | None = None
) -> None:
    """Connect to the first address that takes it, with TLS if given, and leave. Raises `ActionFailed`."""
    failure: OSError | None = None
    for address in await addresses_of(host, port, network, allow):
        try:
            _, writer = await asyncio.open_connection(
                address, port, ssl=tls, server_hostname=host if tls else None
            )
        except OSError as error:
            failure = error
            continue
        writer.close()
        return
    raise ActionFailed(f"cannot connect to {host}:{port}: {words_of(failure)}")


def words_of(error: BaseException | None) -> str:
    """What went wrong with a connection, in the words of the system, the innermost ones."""
    while error is not None and (deeper := error.__cause__ or error.__context__) is not None:
        error = deeper
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed: {(error.reason or str(error)).replace('_', ' ').lower()}"
    if isinstance(error, OSError) and error.errno and error.errno > 0:
        return os.strerror(error.errno)
    return str(error) or type(error).__name__
