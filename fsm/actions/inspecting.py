"""What an inspection says, made fit to be shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fsm.actions.text import one_line, to_bytes
from fsm.errors import Problem

if TYPE_CHECKING:
    from fsm.actions.masking import Masker
    from fsm.engine.ports import Inspection

__all__ = ["masked"]


def masked(inspection: Inspection, masker: Masker) -> Inspection:
    """The same, with secrets masked; each problem is one line."""

    def clean(text: str) -> str:
        return one_line(masker.mask(to_bytes(text)))

    return {
        aspect: [Problem(clean(problem.message), clean(problem.hint)) for problem in problems]
        for aspect, problems in inspection.items()
    }
