"""In what a command draws, and where to: formats, files, and what a terminal can show."""

from __future__ import annotations

import os
import shutil
import sys
from base64 import b64encode
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from fsm.cli.output import Output
from fsm.errors import Invalid, Problem

if TYPE_CHECKING:
    from fsm.views.drawings.picture import Picture
    from fsm.views.drawings.sheet import Sheet

__all__ = ["chosen", "is_machine", "most_arrows", "picture_options", "put", "width"]

Command = TypeVar("Command", bound=Callable[..., object])

FORMATS = ("svg", "png", "mermaid", "dot", "text")

_ENDINGS: Mapping[str, str] = {
    ".svg": "svg",
    ".png": "png",
    ".mmd": "mermaid",
    ".mermaid": "mermaid",
    ".dot": "dot",
    ".gv": "dot",
    ".txt": "text",
}


def picture_options(command: Command) -> Command:
    """In what, and where to."""
    for decorate in (
        click.option(
            "--format",
            "format_",
            type=click.Choice(FORMATS),
            help="[default: as the ending of FILE says; else text on a terminal, and mermaid elsewhere]",
        ),
        click.option(
            "-o",
            "--output",
            "target",
            metavar="FILE",
            type=click.Path(readable=False),
            help="Write to a file; one that is there is overwritten.",
        ),
    ):
        command = decorate(command)
    return command


def chosen(output: Output, format_: str | None, target: str | None, subject: str | None) -> str:
    """The format that was asked for, else that of the ending, else text on a terminal, else Mermaid.

    Raises `Invalid` if the ending is that of another format, or if it would be written over the `subject`.
    """
    if target is not None and subject is not None:
        _spare(subject, target)
    ending = Path(target or "").suffix.lower()
    if ending and format_ is None and ending not in _ENDINGS:
        hint = f"end it in {', '.join(_ENDINGS)}; or say `--format`"
        raise Invalid([Problem(f"there is no format for {target}", hint)])
    otherwise = "text" if output.is_terminal and target is None else "mermaid"
    return format_ or _ENDINGS.get(ending, otherwise)


def is_machine(path: str) -> bool:
    """Whether the file is that of a machine."""
    from fsm.document import read_document
    from fsm.machine import load

    return load.is_machine(read_document(path, lenient=True))


def most_arrows(language: str) -> int:
    """More than so many arrows are not drawn one by one in that format."""
    from fsm.views.drawings.drawing import MOST_ARROWS

    return MOST_ARROWS.get(language, MOST_ARROWS["svg"])


def width() -> int:
    """The columns of the terminal, at most 160; 100 if there is none."""
    return min(shutil.get_terminal_size((100, 24)).columns, 160)


def put(
    output: Output,
    about: Mapping[str, str],
    sheet: Sheet,
    language: str,
    target: str | None,
) -> None:
    """Print the drawing or write it to the file."""
    if language in ("svg", "png"):
        drawn = _painted(output, sheet.dot(), "svg" if language == "svg" else "png")
    elif language == "dot":
        drawn = sheet.dot().encode()
    elif language == "mermaid":
        drawn = sheet.mermaid().encode()
    else:
        drawn = sheet.text(width() if output.is_terminal else 100).encode()
    if target is not None:
        try:
            Path(target).write_bytes(drawn)
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or str(error)
            hint = "name another file with -o"
            raise Invalid([Problem(f"cannot write {target or 'it'}: {why}", hint)]) from None
    elif language == "png" and output.is_terminal:
        raise Invalid([Problem("a terminal shows no PNG", "name a file: -o FILE.png")])
    if output.json:
        text = (
            {"base64": b64encode(drawn).decode()} if language == "png" else {"text": drawn.decode()}
        )
        output.document({**about, "format": language, **text})
    elif target is None and language == "png":
        sys.stdout.flush()
        sys.stdout.buffer.write(drawn)
    elif target is None:
        output.line(drawn.decode().rstrip("\n"))


def _painted(output: Output, dot: str, picture: Picture) -> bytes:
    from fsm.views.drawings.picture import lacks_letters, paint, painter

    program = painter()
    if picture == "png" and lacks_letters(program, dot):
        output.note("note: some characters are missing in the PNG; an SVG has them: -o FILE.svg")
    return paint(dot, picture, program)


def _spare(subject: str, target: str) -> None:
    if os.path.exists(subject) and os.path.exists(target) and os.path.samefile(subject, target):  # noqa: PTH110, PTH121
        what = "the machine" if is_machine(subject) else "the plan"
        raise Invalid([Problem(f"{target} is {what} itself", "name another file for -o")])
