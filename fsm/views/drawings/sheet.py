"""What can be written in every format: a drawing with its table; a chart (`chart.py`) is another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from fsm.machine import MachineSpec
    from fsm.views.drawings.drawing import Drawing

__all__ = ["DrawingSheet", "Sheet"]


class Sheet(Protocol):
    """One picture; each text ends with a newline."""

    def dot(self) -> str:
        """In DOT, which `fsm.views.drawings.picture` paints."""

    def mermaid(self) -> str:
        """In Mermaid."""

    def text(self, width: int) -> str:
        """For a terminal of that many columns."""


@dataclass(frozen=True, slots=True)
class DrawingSheet:
    """A drawing; of a machine, if `spec` is given."""

    drawing: Drawing
    spec: MachineSpec | None = None

    def dot(self) -> str:
        from fsm.views.drawings.dot import dot

        return dot(self.drawing)

    def mermaid(self) -> str:
        from fsm.views.drawings.mermaid import mermaid

        return mermaid(self.drawing)

    def text(self, width: int) -> str:
        from fsm.views.drawings.terminal import drawing_table, drawn
        from fsm.views.machine_table import table_text
        from fsm.views.text import shown

        head = [shown(text) for text in (self.drawing.title, self.drawing.subtitle) if text]
        if self.spec is not None:
            head = head[1:]  # the table begins with the machine's name
            table = table_text(self.spec, width)
        else:
            table = drawing_table(self.drawing, width)
        parts = ["\n".join(head), drawn(self.drawing, width), table]
        return "\n\n".join(filter(None, parts)) + "\n"
