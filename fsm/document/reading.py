"""A file, its text, its data, and the way back from a part of the data to its place."""

from __future__ import annotations

import json
import os
import pathlib
import re
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field

from fsm.document.builder import build
from fsm.document.limits import MAX_BYTES, Data, Path
from fsm.document.places import find_places
from fsm.document.syntax import check_characters, place
from fsm.errors import Invalid, Problem

__all__ = ["Document", "parse_document", "read_document", "read_text", "refuse_no_file"]

_SURROGATE_PAIR = re.compile(
    r"(?<!\\)((?:\\\\)*)\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})"
)

_NO_FILES = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}
"""What a reader may wait for without end."""

_INHERITED = ("/dev/stdin", "/dev/fd/", "/proc/self/fd/")
"""Where pipes lie that the caller gave: `… | fsm plan /dev/stdin`, `fsm plan <(…)`."""


@dataclass(frozen=True, slots=True)
class Document:
    """One document. `path` is the file as its user named it; the data of an empty file is None.

    `duplicates` are the keys that came twice, if it was read in spite of them.

    Data that aliases share is shared in memory too: read it, never change it.
    """

    path: str
    text: str = field(repr=False)
    data: Data
    duplicates: Sequence[Problem] = ()
    _places: dict[Path, tuple[int, int]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def position(self, path: Path) -> tuple[int, int]:
        """Line and column, from 1, of the key (in a mapping) or the item (in a sequence) at `path`.

        A path that is not in the text has the place of the nearest one around it that is: a missing
        key that of its mapping, a path into an alias that of the alias. The first call reads the
        text a second time and keeps every place: a file without problems never pays for it.
        """
        if not self._places:
            self._places.update(find_places(self.text, self.path).at)
        while path and path not in self._places:
            path = path[:-1]
        return self._places.get(path, (1, 1))

    def problem(self, path: Path, message: str, hint: str = "") -> Problem:
        """A Problem of this file, at the place of `path` in its data."""
        line, column = self.position(path)
        return Problem(message, hint, path=self.path, line=line, column=column)


def read_document(path: os.PathLike[str] | str, *, lenient: bool = False) -> Document:
    """Read a file of at most MAX_BYTES bytes in UTF-8, with or without a byte order mark.

    `lenient` as in `parse_document`.

    Raises Invalid if the file cannot be read, or if `parse_document` refuses its text.
    """
    return parse_document(read_text(path), os.fspath(path), lenient=lenient)


def read_text(path: os.PathLike[str] | str) -> str:
    """The text of such a file. Raises Invalid if it cannot be read."""
    name = os.fspath(path)
    raw = _read(name)
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")) or raw[:2].count(0) == 1:
        raise Invalid([Problem("is UTF-16 text", "save it as UTF-8", path=name, line=1, column=1)])
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8-sig")
        line, column = place(before, len(before))
        message = f"the byte 0x{raw[error.start]:02X} is not UTF-8"
        hint = "save the file as UTF-8"
        raise Invalid([Problem(message, hint, path=name, line=line, column=column)]) from None


def parse_document(text: str, path: str, *, lenient: bool = False) -> Document:
    """The document in `text`, which is at most MAX_BYTES characters; `path` names it in messages.

    Raises Invalid, and nothing else, whatever the text is: with every problem up to the first one
    that hides the structure of what follows. If it is `lenient`, keys that came twice are no reason, if
    they are the only problem: their first values stand, for those who look for what else is wrong.
    """
    text = text.removeprefix("\ufeff")
    if len(text) > MAX_BYTES:
        raise Invalid([_too_large(path)])
    check_characters(text, path)
    try:
        document = Document(path, text, *build(text, path))
    except Invalid:
        text_of_json = _without_surrogate_pairs(text)
        if text_of_json is None:
            raise
        document = Document(path, text_of_json, *build(text_of_json, path))
    if document.duplicates and not lenient:
        raise Invalid(document.duplicates)
    return document


def refuse_no_file(name: str) -> None:
    """Raises `Invalid` for what a reader may wait for without end, `OSError` for what is not there."""
    if not name:
        raise Invalid([Problem("the name of the file is empty", "name one")])
    kind = stat.S_IFMT(pathlib.Path(name).stat().st_mode)
    if kind in _NO_FILES and not name.startswith(_INHERITED):
        hint = "name a file, or /dev/stdin for what is piped in"
        raise Invalid([Problem(f"is {_NO_FILES[kind]}, not a file", hint, path=name)])


def _read(name: str) -> bytes:
    try:
        refuse_no_file(name)
        with pathlib.Path(name).open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        hint = "write /dev/stdin for what is piped in" if name == "-" else "check the path"
        problem = Problem("does not exist", hint, path=name)
    except IsADirectoryError:
        problem = Problem("is a folder", "name a file in it", path=name)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        hint = (
            "mend its permissions, and those of its folders"
            if isinstance(error, PermissionError)
            else ""
        )
        problem = Problem(f"cannot be read: {reason}", hint, path=name)
    else:
        if len(raw) <= MAX_BYTES:
            return raw
        problem = _too_large(name)
    raise Invalid([problem])


def _too_large(path: str) -> Problem:
    limit = f"{MAX_BYTES // 1024 // 1024} MiB"
    return Problem(f"is larger than {limit}", "split it into several files", path=path)


def _without_surrogate_pairs(text: str) -> str | None:
    r"""JSON's own way to escape 🚀, `\ud83d\ude80`, as the one escape that YAML knows for it.

    None if `text` has none, or is not JSON: only there every backslash is in double quotes.
    """
    if not _SURROGATE_PAIR.search(text):
        return None
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return None
    return _SURROGATE_PAIR.sub(_one_escape, text)


def _one_escape(pair: re.Match[str]) -> str:
    high, low = int(pair[2], 16), int(pair[3], 16)
    return f"{pair[1]}\\U{0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00):08X}"
