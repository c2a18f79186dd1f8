"""The events of PyYAML's parser, and its complaints in words that help."""

from __future__ import annotations

import re
from collections.abc import Iterator

import yaml
from yaml.events import Event

from fsm.errors import Invalid, Problem

__all__ = ["check_characters", "events", "place", "place_of"]

# All but what YAML 1.2 calls printable, the byte order mark, and YAML 1.1's further line breaks (NEL,
# LS, PS): libyaml folds and counts them, editors do not.
_FORBIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]"
)
_LINE_BREAK = re.compile(r"\r\n|\r|\n")

_IN_WORDS: tuple[tuple[str, str, str], ...] = (
    (
        "mapping values are not allowed",
        "a second `: ` on this line, or a line indented too far",
        "quote a value that contains `: `",
    ),
    ("found unexpected end of stream", "the quote is never closed", "close it"),
    (
        "did not find expected key",
        "a key was expected here",
        "indent the keys of one mapping alike; quote a value that goes on after its closing quote",
    ),
    (
        "did not find expected '-' indicator",
        "an item `- ` was expected here",
        "indent the items of one sequence alike",
    ),
    ("did not find expected ',' or ']'", "the `[` is not closed before this", "write `,` or `]`"),
    ("did not find expected ',' or '}'", "the `{` is not closed before this", "write `,` or `}`"),
    ("could not find expected ':'", "a key without its `:`", "write `key: value`"),
    (
        "did not find expected node content",
        "a value was expected here",
        "close each bracket; quote a value that begins with `]`, `}` or `,`",
    ),
    (
        "did not find expected alphabetic or numeric character",
        "`*` and `&` name aliases here",
        "quote a value that begins with `*` or `&`",
    ),
    (
        "block sequence entries are not allowed",
        "an item `- ` cannot begin here",
        "begin it on a line of its own, or quote the value",
    ),
    (
        "found invalid Unicode character escape code",
        "this escape is no character",
        "write the character itself, or \\U and its eight hexadecimal digits",
    ),
    (
        "did not find expected <document start>",
        "something follows the end of the document",
        "write one mapping or one list; quote a value that goes on after its closing quote",
    ),
    (
        "found undefined tag handle",
        "a tag that is not allowed",
        "quote a value that begins with `!`",
    ),
)


def events(text: str, path: str) -> Iterator[Event]:
    """The parser's events. Raises Invalid, with one Problem, where `text` stops being YAML."""
    try:
        yield from yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.MarkedYAMLError as error:
        raise Invalid([_problem(error, text, path)]) from None
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        # PyYAML without libyaml lets the latter two out for an escape beyond Unicode.
        message = f"is not YAML: {error}"
        raise Invalid([Problem(message, path=path, line=1, column=1)]) from None


def place(text: str, offset: int) -> tuple[int, int]:
    """The line and column, from 1, of the character at `offset` (the end, if there are fewer)."""
    before = text[:offset]
    line, start = 1, 0
    for line_break in _LINE_BREAK.finditer(before):
        line, start = line + 1, line_break.end()
    return line, len(before) - start + 1


def place_of(event: Event) -> tuple[int, int]:
    """The line and column, from 1, where `event` begins."""
    mark = event.start_mark
    return (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)


def check_characters(text: str, path: str) -> None:
    """Raise Invalid if `text` has a control character, a lone surrogate or the like in it."""
    if bad := _FORBIDDEN.search(text):
        line, column = place(text, bad.start())
        message = f"the character U+{ord(bad[0]):04X} is not allowed"
        hint = "remove it, or write it as an escape between double quotes"
        raise Invalid([Problem(message, hint, path=path, line=line, column=column)])


def _problem(error: yaml.MarkedYAMLError, text: str, path: str) -> Problem:
    mark, opened = error.problem_mark or error.context_mark, error.context_mark
    offset = mark.index if mark is not None else 0
    message, hint = _words(error.problem or "is not YAML", text[offset : offset + 1])
    line, column = place(text, offset)
    if opened is not None and opened.line + 1 < line and error.context:
        what = re.sub("^while (parsing|scanning) an? ", "", error.context)
        message += f" (the {what} begins on line {opened.line + 1})"
    return Problem(message, hint, path=path, line=line, column=column)


def _words(problem: str, character: str) -> tuple[str, str]:
    if character == "\t":
        return "a tab cannot indent", "use spaces"
    if "cannot start any token" in problem:
        return f"a value cannot begin with {character}", "quote it"
    for theirs, message, hint in _IN_WORDS:
        if theirs in problem:
            return message, hint
    return problem, ""
