"""What goes where: results on stdout, as text or JSON; errors on stderr; colours on a terminal only."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from fsm.errors import FsmError, Invalid

if TYPE_CHECKING:
    from pydantic import JsonValue

__all__ = ["Output"]

_COLOURS = {"✓": "green", "✗": "red", "⚠": "red", "?": "yellow", "↻": "yellow", "‖": "yellow"}


class Output:
    """Where one command writes. With `json`, stdout takes JSON and nothing else."""

    def __init__(self, *, json: bool) -> None:
        self.json = json
        self.is_terminal = sys.stdout.isatty() and not json
        self.can_ask = self.is_terminal and sys.stdin.isatty()
        self.colour = self.is_terminal and not os.environ.get("NO_COLOR")

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
            click.echo(json.dumps(body, indent=2, ensure_ascii=False))
            return error.exit_code
        colour = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
        click.echo(click.style("error: ", fg="red", bold=True) + str(error), err=True, color=colour)
        return error.exit_code

    def styled(self, text: str) -> str:
        """The text with its first mark coloured, where colours are shown."""
        mark = text[:1]
        if not self.colour or mark not in _COLOURS:
            return text
        return click.style(mark, fg=_COLOURS[mark], bold=True) + text[1:]
