"""What a step hands to the steps after it: the file that its FSM_OUTPUT names."""

from __future__ import annotations

import errno
import json
import os
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, cast

from fsm.actions.output.filed import keep_file
from fsm.actions.output.masking import Masker
from fsm.plan.template.terms import MARK, printable
from fsm.run.events import MASKED

if TYPE_CHECKING:
    from pydantic import JsonValue

__all__ = [
    "MOST_BYTES",
    "NAME",
    "BadOutputs",
    "discard_outputs",
    "filed",
    "take_outputs",
    "without_secrets",
]

MOST_BYTES = 1 << 20
"""The most that all outputs of one attempt may take together; more is given as a file."""

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


class BadOutputs(Exception):
    """The file is not what it may be; the text says what, with the line where there is one."""


def take_outputs(
    path: str, secrets: Sequence[bytes] = (), folder: str = ""
) -> Mapping[str, JsonValue]:
    """The outputs in that file. No file, no outputs. One with a secret is `{MASKED: …}`; names are masked.

    The file stays where it is until what it says is on record (`discard_outputs`), unless it says nothing.

    A line `name=value` gives one, up to the line's end, spaces included. A value of several lines stands
    between `name<<WORD` and a line that is just `WORD`. Both are text, unless `:json` after the name says
    that the value is JSON: a number, a list … `name:file=PATH`, seen from `folder`, gives a file: a copy is
    kept beside this one, and the output is where that is. Empty lines are skipped; the last of equal names
    counts. A file that begins with `{` is one JSON object instead: its members are the outputs. Raises
    `BadOutputs`.
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
    found = _members(content) if content.lstrip().startswith(b"{") else _parse(content)
    masker = Masker(secrets)
    named = ((masker.mask(name.encode()).decode(), value) for name, value in found)
    outputs = {
        name: filed(name, value, path, folder, secrets)
        if isinstance(value, Path)
        else without_secrets(value, masker)
        for name, value in named
    }
    if not outputs:
        discard_outputs(path)
    return outputs


def discard_outputs(path: str) -> None:
    """Remove the file, whatever it is; nothing if that cannot be."""
    with suppress(OSError):
        os.unlink(path)  # noqa: PTH108


def without_secrets(value: JsonValue, masker: Masker) -> JsonValue:
    """The value of an output; `{MASKED: …}` if a secret stands anywhere within it."""
    text = (value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)).encode()
    masked = masker.mask(text)
    return value if masked == text else {MASKED: masked.decode(errors="backslashreplace")}


def _read(fd: int) -> bytes:
    content = bytearray()
    while piece := os.read(fd, MOST_BYTES + 1 - len(content)):
        content += piece
        if len(content) > MOST_BYTES:
            raise BadOutputs("it is larger than 1 MiB; give a file: `name:file=PATH`")
    return bytes(content)


def filed(name: str, given: Path, path: str, folder: str, secrets: Sequence[bytes]) -> JsonValue:
    """Where the file that is an output is kept, beside `path`, the attempt's outputs. Raises `BadOutputs`."""
    kept = f"{os.fspath(path).removesuffix('.outputs')}.{name}.file"
    try:
        held_secret = keep_file(os.path.join(folder, given), kept, secrets)  # noqa: PTH118
    except (OSError, ValueError) as error:
        words = _words(error) if isinstance(error, OSError) else str(error)
        raise BadOutputs(f"the file of `{name}` cannot be kept: {words}") from None
    return {MASKED: kept} if held_secret else kept


def _members(content: bytes) -> Iterator[tuple[str, JsonValue]]:
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise BadOutputs("it is not UTF-8") from None
    outputs = _json(text, "it begins as a JSON object, but")
    assert isinstance(outputs, dict)
    for name in outputs:
        if not NAME.fullmatch(name):
            raise BadOutputs(f"`{printable(name[:40])}` is no name of an output")
    yield from outputs.items()


def _json(text: str, what: str) -> JsonValue:
    """The value of this text. Raises `BadOutputs`: what is no JSON, and why."""
    try:
        value = json.loads(text, parse_constant=_refuse, object_pairs_hook=_mapping)
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise BadOutputs(f"{what} holds text that is not valid Unicode") from None
    except (ValueError, RecursionError) as error:
        why = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise BadOutputs(f"{what} is not JSON: {why[:1].lower()}{why[1:]}") from None
    return cast("JsonValue", value)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"there is no number `{constant}` in it")


def _mapping(pairs: list[tuple[str, object]]) -> dict[str, object]:
    mapping = dict(pairs)
    if len(mapping) < len(pairs):
        raise ValueError("a name stands twice in one object")
    if MARK in mapping or MASKED in mapping:
        raise ValueError(f"fsm keeps the names `{MARK}` and `{MASKED}` for itself")
    return mapping


def _parse(content: bytes) -> Iterator[tuple[str, JsonValue | Path]]:
    lines = enumerate(content.split(b"\n"), start=1)
    for number, raw in lines:
        line = _text(raw, number)
        if not line:
            continue
        name = NAME.match(line)
        rest = line[name.end() :] if name else ""
        kind = next((kind for kind in (":json", ":file") if rest.startswith(kind)), "")
        rest = rest.removeprefix(kind)
        if name and rest.startswith("="):
            value = rest[1:]
        elif name and rest.startswith("<<") and rest[2:].strip():
            value = "\n".join(_until(rest[2:].strip(), lines, number))
        else:
            raise BadOutputs(f"line {number} is neither `name=value` nor `name<<WORD`")
        if kind == ":json":
            yield name[0], _json(value, f"line {number}: the value")
        else:
            yield name[0], Path(value) if kind else value


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
