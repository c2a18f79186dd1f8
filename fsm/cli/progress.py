"""A run as it happens: a live line on a terminal, plain lines elsewhere, JSON lines for programs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.live import Live
    from rich.text import Text

    from fsm.cli.output import Output
    from fsm.run import Run, StepRecord
    from fsm.run.events import Event

__all__ = ["Progress"]


class Progress:
    """Shows events while it is entered. On a terminal the last line tells what is in flight, for how long."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._run: Run | None = None
        self._since: dict[str, float] = {}
        self._again: dict[str, float] = {}
        self._live: Live | None = None

    def __enter__(self) -> Progress:
        if self._output.is_terminal:
            from rich.console import Console
            from rich.live import Live

            console = Console(highlight=False, no_color=not self._output.colour)
            self._live = Live(
                get_renderable=lambda: self.line(console.width),
                console=console,
                refresh_per_second=8,
                transient=True,
            )
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def observe(self, run: Run, event: Event, at: float) -> None:
        """Show one event; called when it is durable, with the moment it was written at."""
        from fsm.views.progress import event_json, event_line

        self._run = run
        if self._output.json:
            self._output.event(event_json(run, event, at))
            return
        step = getattr(event, "step", None)
        if isinstance(step, str):
            self._note(run.record(step), at)
        line = event_line(run, event, at)
        if line is None:
            return
        if self._live is None:
            self._output.line(line)
        elif not line.startswith(("▶", "↶")):
            from rich.text import Text

            self._live.console.print(Text.from_ansi(self._output.styled(line)), soft_wrap=True)

    def _note(self, record: StepRecord, at: float) -> None:
        """What is in flight since when, and what will be when, after an event of that step."""
        self._again.pop(record.id, None)
        if not record.in_flight:
            self._since.pop(record.id, None)
            if record.not_before:
                self._again[record.id] = time.monotonic() + record.not_before - at
        elif record.id not in self._since:
            self._since[record.id] = time.monotonic()

    def line(self, width: int = 80) -> Text:
        """The live line at this moment, of `width` cells; empty if nothing is in flight or to come."""
        from rich.text import Text

        from fsm.views.text import shown

        if self._run is None:
            return Text("")
        now = time.monotonic()
        spinner = _FRAMES[int(now * 8) % len(_FRAMES)]
        settled = sum(record.concluded for record in self._run.steps)
        told = [(step, f"{int(now - since)}s") for step, since in list(self._since.items())]
        if self._run.state != "paused":
            told += [
                (step, f"again in {max(0, int(due - now))}s")
                for step, due in list(self._again.items())
            ]
        if not told:
            return Text("")
        flying = [(shown(self._run.record(step).step.name), words) for step, words in told]
        hurry = "   ^C again ends it now" if self._run.stopped_because else ""
        end = f"   [{settled}/{len(self._run.steps)}]{hurry}"
        room = width - len(f"{spinner} {end}")
        return Text(f"{spinner} {_fitting(flying, room)}{end}", overflow="ellipsis", no_wrap=True)


def _fitting(flying: Sequence[tuple[str, str]], room: int) -> str:
    """The first four of these names with their words, or as many as fit into `room` cells; one at least."""
    from fsm.views.cells import cells, cut

    for most in range(min(4, len(flying)), 0, -1):
        told = ", ".join(f"{name} {words}" for name, words in flying[:most])
        more = f" and {len(flying) - most} more" if len(flying) > most else ""
        if cells(told + more) <= room:
            return told + more
    name, words = flying[0]
    return f"{cut(name, max(8, room - len(f' {words}{more}')))} {words}{more}"


_FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
