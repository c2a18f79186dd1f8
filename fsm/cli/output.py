"""What goes where: results on stdout, as text or JSON; errors on stderr; colours on a terminal only."""

from __future__ import annotations

import errno
import json
import os
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TextIO, TypeVar, cast

import click

from fsm.errors import FsmError, Invalid

if TYPE_CHECKING:
    from pydantic import JsonValue

__all__ = ["Output", "answer", "keep_going"]

Answer = TypeVar("Answer")

_COLOURS = {"✓": "green", "✗": "red", "⚠": "red", "?": "yellow", "↻": "yellow", "‖": "yellow"}


class Output:
    """Where one command writes. With `json`, stdout takes JSON and nothing else."""

    def __init__(self, *, json: bool) -> None:
        self.json = json
        self.is_terminal = sys.stdout.isatty() and not json
        self.can_ask = self.is_terminal and sys.stdin.isatty()
        self.colour = self.is_terminal and shows_colours()

    def line(self, text: str = "") -> None:
        """Text for people, the mark of each line coloured on a terminal; nothing with `--json`."""
        if not self.json:
            click.echo("\n".join(map(self.styled, text.split("\n"))), color=self.colour)

    def note(self, text: str) -> None:
        """A remark on stderr."""
        click.echo(text, err=True)

    def document(self, data: Mapping[str, JsonValue]) -> None:
        """The one JSON document of a command; nothing without `--json`."""
        if self.json:
            click.echo(json.dumps(data, indent=2, ensure_ascii=False))

    def event(self, text: str) -> None:
        """One line of JSON; nothing without `--json`."""
        if self.json:
            click.echo(text)

    def error(self, error: FsmError) -> int:
        """Show the error with its next move; the exit code."""
        if self.json:
            problems = error.problems if isinstance(error, Invalid) else ()
            body: dict[str, JsonValue] = {
                "error": error.message,
                "hint": error.hint,
                "exit_code": error.exit_code,
                "problems": [dict(problem.as_dict()) for problem in problems],
            }
            click.echo(json.dumps(body, ensure_ascii=False))  # one line: events may stand before it
            return error.exit_code
        colour = sys.stderr.isatty() and shows_colours()
        click.echo(click.style("error: ", fg="red", bold=True) + str(error), err=True, color=colour)
        return error.exit_code

    def styled(self, text: str) -> str:
        """The text with its first mark coloured, where colours are shown."""
        mark = text[:1]
        if not self.colour or mark not in _COLOURS:
            return text
        return click.style(mark, fg=_COLOURS[mark], bold=True) + text[1:]


def answer(ask: Callable[[], Answer], *, otherwise: Answer) -> Answer:
    """What a person answers; `otherwise` if they end the input instead (^D). ^C remains an interruption."""
    try:
        return ask()
    except click.Abort as gone:
        if not isinstance(gone.__context__, EOFError):
            raise
        click.echo("(no answer)")
        return otherwise


def shows_colours() -> bool:
    """Whether the environment has nothing against colours (https://no-color.org)."""
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def keep_going() -> None:
    """From now on, that nobody can read what is written keeps no command from its work.

    The reader of a pipe went away, the terminal was closed (F31), the disk that takes the output is full:
    a run must not stop half-way for that.
    """
    sys.stdout = cast(TextIO, _Patient(sys.stdout))
    sys.stderr = cast(TextIO, _Patient(sys.stderr))


class _Patient:
    """A stream that, once it cannot be written to, takes everything and keeps nothing."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream or open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except OSError as error:
            self._give_up(error)
            return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError as error:
            self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        if error.errno not in (errno.EPIPE, errno.EIO) and self is not sys.stderr:
            click.echo(f"note: what is printed from here on is lost: {error.strerror}", err=True)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._stream.fileno())
        os.close(nowhere)
