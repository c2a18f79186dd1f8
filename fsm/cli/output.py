"""What goes where: results on stdout, as text or JSON; errors on stderr; colours on a terminal only."""

from __future__ import annotations

import errno
import json
import os
import re
import sys
from collections.abc import Callable, Mapping
from io import TextIOWrapper
from typing import TYPE_CHECKING, Any, TextIO, TypeVar, cast

import click

from fsm.errors import FsmError, Invalid

if TYPE_CHECKING:
    from pydantic import JsonValue

__all__ = ["Output", "Patient", "answer", "keep_going"]

Answer = TypeVar("Answer")

_STEERING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""What a terminal obeys instead of showing it (F41): names of files and runs may have it in them."""

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
        told = _STEERING.sub(lambda found: ascii(found[0])[1:-1], str(error))
        click.echo(click.style("error: ", fg="red", bold=True) + told, err=True, color=colour)
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


def keep_going() -> Patient:
    """From now on, that nobody can read what is written keeps no command from its work.

    The reader of a pipe went away, the terminal was closed (F31), the disk that takes the output is full:
    a run must not stop half-way for that. Gives stdout as it is from now on. Nothing comes from a stdin that
    is closed.
    """
    sys.stdin = sys.stdin or open(os.devnull, encoding="utf-8")  # noqa: PTH123, SIM115
    stdout = Patient(sys.stdout, _tell_lost)
    sys.stdout = cast(TextIO, stdout)
    sys.stderr = cast(TextIO, Patient(sys.stderr, lambda _: None))
    return stdout


def _tell_lost(why: str) -> None:
    click.echo(
        f"error: stdout cannot be written: {why}; what is printed is lost\n"
        "  the command goes on without it; how a run stands: fsm status",
        err=True,
    )


class Patient:
    """A stream that, once it cannot be written to, takes everything and keeps nothing.

    `has_lost` tells that something was lost which somebody may look for: nobody waits any more for what a
    reader of a pipe who went away, or a terminal that was closed, does not take. `tell` is told why, once.
    """

    has_lost = False

    def __init__(self, stream: TextIO | None, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._is_closed = stream is None
        self._stream: Any = stream or open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
        self._is_terminal = self._stream.isatty()
        if isinstance(self._stream, TextIOWrapper) and self._stream.errors == "strict":
            # What the encoding of the locale does not have is no reason to leave a run half-way.
            self._stream.reconfigure(errors="backslashreplace")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    @property
    def buffer(self) -> _PatientBytes:
        """The same for bytes."""
        return _PatientBytes(self._stream.buffer, self)

    def write(self, text: str) -> int:
        return self.take(self._stream.write, text)

    def flush(self) -> None:
        self.take(self._stream.flush)

    def take(self, write: Callable[..., int | None], *data: str | bytes) -> int:
        """Have it written, or lost."""
        if self._is_closed and any(data):
            self._lose("it is closed")
        try:
            return write(*data) or 0
        except OSError as error:
            is_left = error.errno == errno.EPIPE or (error.errno == errno.EIO and self._is_terminal)
            if not is_left:
                self._lose(error.strerror or str(error))
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)
            return sum(map(len, data))

    def exit_code(self, code: int) -> int:
        """`code`, but not 0 if something was lost: then 7, as for other files that cannot be written."""
        self.flush()
        return code or (7 if self.has_lost else 0)

    def _lose(self, why: str) -> None:
        if not self.has_lost:
            self.has_lost = True
            self._tell(why)


class _PatientBytes:
    """The bytes of a patient stream."""

    def __init__(self, stream: Any, whole: Patient) -> None:
        self._stream = stream
        self._whole = whole

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, data: bytes) -> int:
        return self._whole.take(self._stream.write, data)

    def flush(self) -> None:
        self._whole.take(self._stream.flush)
