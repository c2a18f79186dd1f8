"""What a step hands to the steps after it: the file that its FSM_OUTPUT names."""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from fsm.actions.masking import Masker
from fsm.run.events import MASKED

if TYPE_CHECKING:
    from pydantic import JsonValue

__all__ = ["BadOutputs", "discard_outputs", "take_outputs"]

_MOST_BYTES = 1 << 20
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


class BadOutputs(Exception):
    """The file is not what it may be; the text says what, with the line where there is one."""


def take_outputs(path: str, masker: Masker) -> Mapping[str, JsonValue]:
    """The outputs in that file. No file, no outputs. One with a secret is `{MASKED: …}`.

    The file stays where it is until what it says is on record (`discard_outputs`), unless it says nothing.

    A line `name=value` gives one, up to the line's end, spaces included. A value of several lines stands
    between `name<<WORD` and a line that is just `WORD`. Empty lines are skipped; the last of equal names
    counts. Raises `BadOutputs`.
    """
    try:
        fd = os.open(path, _FLAGS)
    except FileNotFoundError:
        return {}
    except OSError as error:
        is_link = error.errno == errno.ELOOP
        raise BadOutputs("it is a link" if is_link else _words(error)) from None
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise BadOutputs("it is not a regular file")
        content = _read(fd)
    except OSError as error:
        raise BadOutputs(_words(error)) from None
    finally:
        os.close(fd)
    outputs = {name: _without_secrets(value, masker) for name, value in _parse(content)}
    if not outputs:
        discard_outputs(path)
    return outputs


def discard_outputs(path: str) -> None:
    """Remove the file, whatever it is; nothing if that cannot be."""
    with suppress(OSError):
        os.unlink(path)  # noqa: PTH108


def _without_secrets(value: str, masker: Masker) -> JsonValue:
    masked = masker.mask(value.encode()).decode(errors="backslashreplace")
    return value if masked == value else {MASKED: masked}


def _read(fd: int) -> bytes:
    content = bytearray()
    while piece := os.read(fd, _MOST_BYTES + 1 - len(content)):
        content += piece
        if len(content) > _MOST_BYTES:
            raise BadOutputs("it is larger than 1 MiB")
    return bytes(content)


def _parse(content: bytes) -> Iterator[tuple[str, str]]:
    lines = enumerate(content.split(b"\n"), start=1)
    for number, raw in lines:
        line = _text(raw, number)
        if not line:
            continue
        name = _NAME.match(line)
        rest = line[name.end() :] if name else ""
        if name and rest.startswith("="):
            yield name[0], rest[1:]
        elif name and rest.startswith("<<") and rest[2:].strip():
            yield name[0], "\n".join(_until(rest[2:].strip(), lines, number))
        else:
            raise BadOutputs(f"line {number} is neither `name=value` nor `name<<WORD`")


def _until(word: str, lines: Iterator[tuple[int, bytes]], begun: int) -> Iterator[str]:
    for number, raw in lines:
        line = _text(raw, number)
        if line == word:
            return
        yield line
    raise BadOutputs(f"line {begun}: the value has no end, a line that is just `{word}`")


def _text(raw: bytes, number: int) -> str:
    try:
        line = raw.removesuffix(b"\r").decode()
    except UnicodeDecodeError:
        raise BadOutputs(f"line {number} is not UTF-8") from None
    if "\0" in line:
        raise BadOutputs(f"line {number} holds a NUL byte")
    return line


def _words(error: OSError) -> str:
    return error.strerror or str(error)
