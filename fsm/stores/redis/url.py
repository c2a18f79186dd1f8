"""What `redis://…` says: which server, which names there, and how patient one is with it.

    redis://[USER:PASSWORD@]HOST[:PORT][/DB][?…]     rediss:// is the same over TLS
    unix://[USER:PASSWORD@]/PATH/TO/SOCKET[?db=DB&…]

A password is part of the URL and is never shown: `shown` is what may be printed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field
from hashlib import sha256
from typing import Any, Final

from fsm.errors import Invalid, Problem
from fsm.values import Value

__all__ = ["Address", "parse", "password", "shown"]

_SCHEMES: Final = ("redis", "rediss", "unix")
_PORT: Final = 6379
_PREFIX: Final = r"[A-Za-z0-9_.-]{1,64}"
_OPTIONS: Final = ("prefix", "db", "timeout", "lease", "unchecked")
_TLS_OPTIONS: Final = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")


class Address(Value):
    """A server and the place of a store on it; `connection` is what the client library is given.

    Every key begins with `prefix`. `timeout` is how long an answer is waited for and `lease` how long a
    silent runner keeps a run, both in seconds. `unchecked`: its user answers for what the server does not
    tell of its durability. `shown` has no password.
    """

    shown: str
    prefix: str = "fsm"
    timeout: float = 5.0
    lease: float = 30.0
    unchecked: bool = False
    connection: Mapping[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"Address({self.shown!r})"

    def key(self, *names: str) -> str:
        """The key of that name, such as `fsm:run:ID`."""
        return ":".join((self.prefix, *names))

    @property
    def folder_name(self) -> str:
        """A name for what is kept here of this very store, whoever logs in to it, and however patiently."""
        where = self.connection
        place = where.get("path") or f"{str(where['host']).lower()}:{where['port']}"
        text = f"{place}/{where['db']}/{self.prefix}"
        return f"{re.sub(r'[^A-Za-z0-9.-]+', '_', text)}-{sha256(text.encode()).hexdigest()[:8]}"


def shown(url: str) -> str:
    """The URL without its password; of one that cannot be read, no more than can be no password."""
    scheme, colon, rest = url.partition(":")
    if scheme not in _SCHEMES or not colon:
        return url
    credentials, at, place = rest.rpartition("@")
    if not at:
        return url if rest.startswith("//") else f"{scheme}:…"
    user, colon, _ = credentials.removeprefix("//").partition(":")
    return f"{scheme}://{user if colon else ''}:***@{place}"


def password(url: str) -> str:
    """The password in the URL, empty if there is none."""
    if url.partition(":")[0] not in _SCHEMES:
        return ""
    from urllib.parse import unquote, urlsplit

    try:
        return unquote(urlsplit(url).password or "")
    except ValueError:
        return ""


def parse(url: str) -> Address:
    """The address that the URL names. Raises `Invalid`, which never shows a password."""
    from urllib.parse import parse_qsl, unquote, urlsplit

    try:
        parts = urlsplit(url)
        port = parts.port
        options = dict(
            parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
        )
    except ValueError as error:
        raise _invalid(url, "cannot be read", _form()) from error
    if not url.startswith(f"{parts.scheme}://") or parts.fragment or "\0" in unquote(url):
        raise _invalid(url, "cannot be read", _form())
    known = _OPTIONS if parts.scheme != "rediss" else (*_OPTIONS, *_TLS_OPTIONS)
    for name in options.keys() - set(known):
        raise _invalid(url, f"has no option `{name}`", f"known are {', '.join(known)}")
    prefix = options.get("prefix", "fsm")
    if not re.fullmatch(_PREFIX, prefix):
        raise _invalid(
            url, f"cannot use the prefix {prefix!r}", "write letters, digits, `_`, `.` or `-`"
        )
    if options.get("unchecked", "no") not in ("yes", "no"):
        raise _invalid(url, "says neither yes nor no to `unchecked`", "write unchecked=yes")
    unix = parts.scheme == "unix"
    db = _db(url, options.get("db", "0") if unix else parts.path.removeprefix("/") or "0")
    if unix:
        place = parts.path
        where: dict[str, Any] = {"path": unquote(parts.path)}
        if parts.hostname or not place.strip("/"):
            raise _invalid(url, "names no socket", "write unix:///PATH/TO/SOCKET")
    else:
        if "db" in options:
            raise _invalid(url, "names its database as an option", "write it as a path: /DB")
        host, number = unquote(parts.hostname or "localhost"), _PORT if port is None else port
        place = f"{f'[{host}]' if ':' in host else host}:{number}/{db}"
        where = {"host": host, "port": number}
    user = unquote(parts.username or "") or None
    secret = unquote(parts.password) if parts.password else None
    tls: dict[str, Any] = {name: options[name] for name in _TLS_OPTIONS if name in options}
    said = [f"{name}={options[name]}" for name in ("db", "prefix") if name in options]
    logged_in = f"{user or ''}:***@" if secret else ":***@" if user else ""
    return Address(
        f"{parts.scheme}://{logged_in}{place}{'?' if said else ''}{'&'.join(said)}",
        prefix,
        _seconds(url, options, "timeout", 5.0),
        _seconds(url, options, "lease", 30.0),
        options.get("unchecked") == "yes",
        {
            **where,
            **tls,
            "db": db,
            "username": user,
            "password": secret,
            "tls": parts.scheme == "rediss",
        },
    )


def _db(url: str, text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", text):
        raise _invalid(url, f"has no database {text!r}", "databases are numbered from 0")
    return int(text)


def _seconds(url: str, options: Mapping[str, str], name: str, otherwise: float) -> float:
    text = options.get(name)
    if text is None:
        return otherwise
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0.1 <= seconds <= 86_400:
        raise _invalid(url, f"has no {name} of {text!r}", "write seconds, 0.1 to 86400")
    return seconds


def _form() -> str:
    return "write redis://HOST:PORT/DB, rediss://HOST:PORT/DB or unix:///PATH/TO/SOCKET"


def _invalid(url: str, what: str, hint: str) -> Invalid:
    return Invalid([Problem(f"the state {shown(url)!r} {what}", hint)])
