"""What inspections say, put together and made fit to be shown."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from fsm.actions.output.text import one_line, to_bytes
from fsm.errors import Problem

if TYPE_CHECKING:
    from fsm.actions.output.masking import Masker
    from fsm.engine.ports import Aspect, Inspection

__all__ = ["joined", "masked"]


def joined(inspections: Iterable[Inspection]) -> Inspection:
    """All that was looked at; what is wrong is told once, however many say it."""
    found: dict[Aspect, dict[str, Problem]] = {}
    for inspection in inspections:
        for aspect, problems in inspection.items():
            found.setdefault(aspect, {}).update((str(problem), problem) for problem in problems)
    return {aspect: list(problems.values()) for aspect, problems in found.items()}


def masked(inspection: Inspection, masker: Masker) -> Inspection:
    """The same, with secrets masked; each problem is one line."""

    def clean(text: str) -> str:
        return one_line(masker.mask(to_bytes(text)))

    return {
        aspect: [
            Problem(clean(problem.message), clean(problem.hint), lacks=problem.lacks)
            for problem in problems
        ]
        for aspect, problems in inspection.items()
    }
