"""The server behind a store: connections, the settings it must have, and its errors in plain words.

Reading asks nothing of the server's settings. Every connection that writes begins with a look at them: what
would lose or evict an acknowledged record is refused before anything is written (F26), also when a
connection that broke is made anew, as by then it may be another server.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from threading import Lock
from typing import Any, Final

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from fsm.errors import Damaged, FsmError, StateUnavailable
from fsm.stores.redis.scripts import VERSION, Script
from fsm.stores.redis.settings import OLDEST, refuse_settings, replica
from fsm.stores.redis.url import Address

__all__ = ["FAULTS", "Server", "newer"]

FAULTS: Final = (redis.RedisError, OSError)
"""What the client library and the system raise."""

_PAUSE_SECONDS: Final = 0.05


class Server:
    """The connections to one server, made when they are first needed. Threads may share it."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self._lock = Lock()
        self._has_answered = False
        self._clients: dict[bool, Any] = {}  # the library's own types are loose

    def read(self, *commands: Sequence[object]) -> list[Any]:
        """The replies to the commands, all of one moment. Raises one of `FAULTS`."""
        with self._client(writing=False).pipeline(transaction=True) as pipeline:
            for command in commands:
                pipeline.execute_command(*command)
            replies: list[Any] = pipeline.execute()
        self._has_answered = True
        return replies

    def write(
        self,
        script: Script,
        keys: Sequence[str],
        arguments: Sequence[object],
        *,
        once: bool = False,
    ) -> list[Any]:
        """What the script answers, durable on the server. Raises one of `FAULTS`, and `StateUnavailable`.

        If the answer is lost, the script is sent again, unless `once`, for twice the address' timeout: it
        knows what it has done. A fault that `_is_unanswered` leaves unknown whether it was carried out. A
        server that has never answered yet is not waited for.
        """
        client = self._client(writing=True)
        deadline = time.monotonic() + 2 * self.address.timeout
        pause = _PAUSE_SECONDS
        while True:
            try:
                answer = _evaluate(client, script, keys, arguments)
            except FAULTS as error:
                can_wait = self._has_answered and time.monotonic() + pause < deadline
                if once or not can_wait or not _is_unanswered(error):
                    raise
            else:
                self._has_answered = True
                return answer
            time.sleep(pause)
            pause = min(2 * pause, 1.0)

    def next_number(self) -> int:
        """A number above all that were given before. Raises as `write`."""
        return int(self._client(writing=True).execute_command("INCR", self.address.key("number")))

    def close(self) -> None:
        """Close the connections. What is asked afterwards opens new ones."""
        with self._lock:
            clients, self._clients = list(self._clients.values()), {}
        for client in clients:
            with suppress(*FAULTS):
                client.close()

    @contextmanager
    def told(self, run_id: str = "", writing: str = "") -> Iterator[None]:
        """No error of the library or the system leaves the block untranslated.

        `writing` names what the block records: if its answer is lost, the error says what is not known.
        """
        try:
            yield
        except FAULTS as error:
            told = self._unavailable(error, run_id)
            if writing and self._has_answered and _is_unanswered(error):
                told = type(told)(
                    f"{told.message}; whether {writing} recorded is not known", told.hint
                )
            raise told from error

    def _unavailable(self, error: Exception, run_id: str) -> StateUnavailable:
        """What went wrong with the server, for one of `FAULTS`, and the next move."""
        where, said = self.address.shown, _line(error)
        then = f"then: fsm resume {run_id}" if run_id else "then try again"
        if isinstance(error, redis.AuthenticationError) or said.startswith(("NOAUTH", "WRONGPASS")):
            return StateUnavailable(
                f"{where}: the server does not let us in: {said}",
                "check the user and the password in the URL (write special characters as %XX)",
            )
        if isinstance(error, redis.exceptions.NoPermissionError):
            return StateUnavailable(
                f"{where}: the server does not permit this user what is needed: {said}",
                f"let it use EVALSHA, EVAL, MULTI and data commands on keys ~{self.address.prefix}:*",
            )
        if isinstance(error, redis.ReadOnlyError):
            return replica(where, "")
        if isinstance(error, redis.BusyLoadingError):
            return StateUnavailable(
                f"{where}: the server is still loading its data", f"wait, {then}"
            )
        if isinstance(error, redis.TimeoutError):
            return StateUnavailable(
                f"{where}: the server did not answer within {self.address.timeout:g} seconds",
                f"see to it that the server can be reached{self._or_without_tls()}, {then}",
            )
        if isinstance(error, redis.ConnectionError | OSError):
            return StateUnavailable(
                f"{where}: the server cannot be reached: {said}",
                f"start it, or {self._other_url()}; {then}",
            )
        if isinstance(error, redis.exceptions.OutOfMemoryError) or said.startswith("OOM"):
            return StateUnavailable(
                f"{where}: the server is full: {said}", f"raise its maxmemory, {then}"
            )
        if said.startswith("MISCONF"):
            return StateUnavailable(
                f"{where}: the server cannot write to its disk: {said}", f"free space there, {then}"
            )
        if "WRONGTYPE" in said:
            return Damaged(
                f"{where}: keys {self.address.prefix}:… hold what fsm has not written: {said}",
                "nothing was changed; choose another prefix with ?prefix=NAME",
            )
        if "equal or smaller" in said:
            return Damaged(
                f"{where}: the journal of run {run_id} has records beyond its end; nothing was added",
                "restore the server's data from a backup, or begin anew with --state",
            )
        if "DB index is out of range" in said:
            return StateUnavailable(
                f"{where}: {said}",
                "end the URL with the number of a database that the server has; mostly 0 to 15",
            )
        if "unknown command" in said.lower():
            return StateUnavailable(
                f"{where}: the server lacks what is needed: {said}",
                f"use Redis {OLDEST} or newer, or Valkey, with its commands not renamed",
            )
        return StateUnavailable(f"{where}: {said}", f"see the log of the server; {then}")

    def _or_without_tls(self) -> str:
        """A server without TLS waits for the rest of what it takes for a command, and says nothing."""
        is_first = self.address.connection["tls"] and not self._has_answered
        return ", or, if it speaks no TLS, write redis://" if is_first else ""

    def _other_url(self) -> str:
        """What to do about the URL; nobody may have given one."""
        is_default = self.address.shown == "redis://localhost:6379/0"
        return "name another in FSM_REDIS_URL or --state" if is_default else "mend the URL"

    def _client(self, *, writing: bool) -> Any:
        with self._lock:
            if writing not in self._clients:
                self._clients[writing] = self._connect(writing)
            return self._clients[writing]

    def _connect(self, writing: bool) -> Any:
        where = dict(self.address.connection)
        tls = where.pop("tls")
        kind: Any = redis.Connection
        if "path" in where:
            kind = redis.UnixDomainSocketConnection
        elif tls:
            kind = redis.SSLConnection
        pool = redis.ConnectionPool(
            connection_class=kind,
            **where,
            socket_timeout=self.address.timeout,
            socket_connect_timeout=self.address.timeout,
            retry=Retry(NoBackoff(), 0),
            protocol=2,
            redis_connect_func=self._examine if writing else None,
        )
        client = redis.Redis(connection_pool=pool)
        client.response_callbacks.clear()  # replies as they are: the same from every release of it
        return client

    def _examine(self, connection: Any) -> None:
        """What every connection that writes begins with."""

        def ask(*command: str) -> Any:
            connection.send_command(*command, check_health=False)
            return connection.read_response()

        try:
            connection.on_connect()
            refuse_settings(ask, self.address)
        except BaseException:
            connection.disconnect()
            raise


def _is_unanswered(error: Exception) -> bool:
    """Whether the server may have done what it was asked, and could not say so, or may do it soon."""
    refused = redis.AuthenticationError | redis.exceptions.AuthorizationError
    lost = redis.ConnectionError | redis.TimeoutError | OSError
    return isinstance(error, lost) and not isinstance(error, refused)


def newer(where: str, found: object) -> FsmError:
    """What is there is of a format that this version does not write."""
    text = found.decode(errors="replace") if isinstance(found, bytes) else str(found)
    if text.isascii() and text.isdecimal() and len(text) < 10 and int(text) > VERSION:
        return StateUnavailable(
            f"{where} is of format {text}, of a newer fsm; this one knows format {VERSION}",
            "use the newer fsm, or begin anew with another prefix or --state",
        )
    return Damaged(
        f"{where} is of format {text[:40]!r}, which no fsm has written",
        "nothing was changed; restore the server's data, or begin anew with another prefix",
    )


def _evaluate(
    client: Any, script: Script, keys: Sequence[str], arguments: Sequence[object]
) -> list[Any]:
    try:
        reply = client.execute_command("EVALSHA", script.sha, len(keys), *keys, *arguments)
    except redis.exceptions.NoScriptError:
        reply = client.execute_command("EVAL", script.text, len(keys), *keys, *arguments)
    return list(reply)


def _line(error: Exception) -> str:
    """The error's own words on one line, without what fsm itself sent."""
    return " ".join(str(error).split())[:300]
