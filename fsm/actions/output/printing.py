"""What a skill's own Python code prints is output of its step: in the log, masked, and nowhere else."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TextIO, cast

__all__ = ["printed_to", "printed_to_stderr"]


class _Taker:
    """Takes what is printed, from several threads too; nothing once it is closed."""

    def __init__(self, take: Callable[[bytes], object]) -> None:
        self._take: Callable[[bytes], object] | None = take
        self._lock = threading.Lock()

    def __call__(self, piece: bytes) -> None:
        with self._lock:
            if self._take is not None:
                self._take(piece)

    def close(self) -> None:
        with self._lock:
            self._take = None


_taker: ContextVar[_Taker | None] = ContextVar("_taker", default=None)


@contextmanager
def printed_to(take: Callable[[bytes], object]) -> Iterator[None]:
    """Within it, `take` is given what this context prints, and the tasks and threads that copy the context.

    It is what goes by `sys.stdout` and `sys.stderr`: a program that is started has the streams of fsm.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if not isinstance(stream, _Routed):
            setattr(sys, name, cast(TextIO, _Routed(stream)))
    taker = _Taker(take)
    token = _taker.set(taker)
    try:
        yield
    finally:
        _taker.reset(token)
        taker.close()


@contextmanager
def printed_to_stderr() -> Iterator[None]:
    """Within it, what is printed goes to stderr: stdout may be read by a program."""
    own = sys.stderr.own if isinstance(sys.stderr, _Routed) else sys.stderr
    with printed_to(lambda piece: own.write(piece.decode(errors="replace"))):
        yield


class _Routed:
    """A stream of text that asks at each write who takes it; `own` does if nobody else."""

    def __init__(self, own: TextIO) -> None:
        self.own = own

    def __getattr__(self, name: str) -> Any:
        return getattr(self.own, name)

    def write(self, text: str) -> int:
        taker = _taker.get()
        if taker is None or not isinstance(text, str):
            return self.own.write(text)
        taker(text.encode(errors="replace"))
        return len(text)

    def writelines(self, lines: Iterator[str]) -> None:
        for line in lines:
            self.write(line)

    @property
    def buffer(self) -> Any:
        return _Bytes(self.own)


class _Bytes:
    """The same for bytes."""

    def __init__(self, own: TextIO) -> None:
        self._own = own

    def __getattr__(self, name: str) -> Any:
        return getattr(self._own.buffer, name)

    def write(self, piece: bytes) -> int:
        taker = _taker.get()
        if taker is None:
            return self._own.buffer.write(piece)
        taker(bytes(piece))
        return len(piece)
