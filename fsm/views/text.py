"""Small pieces of text that several views share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fsm.plan.model import Step
    from fsm.run import StepRecord

__all__ = ["count", "listed", "names", "shown", "state_words", "step_label"]

_HIDDEN = (
    *(0x061C, 0x2028, 0x2029, 0xFEFF),
    *range(0x200B, 0x2010),
    *range(0x202A, 0x202F),
    *range(0x2060, 0x2070),
)
"""Characters that take no place but reorder, hide or break what stands around them."""


@cache
def _escaped() -> Mapping[int, str]:
    """What stands for a character that acts or hides. None of these is printable."""
    return (
        {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))}
        | {code: f"\\u{code:04x}" for code in (*_HIDDEN, *range(0xD800, 0xE000))}
        | {ord("\n"): "\\n", ord("\t"): "\\t", ord("\r"): "\\r"}
    )


def shown(text: str) -> str:
    """The text on one line, what would act or hide escaped: it is data, never code (F41)."""
    return text if text.isprintable() else text.translate(_escaped())


def step_label(index: int, step: Step) -> str:
    """`Step 2: NAME`, counting from 1 in execution order."""
    return f"Step {index + 1}: {shown(step.name)}"


def state_words(record: StepRecord) -> str:
    """The step's state in words; `cancelled` if it did not fail by itself, but was ended."""
    words = {"failed": "cancelled", "rollback_failed": "rollback cancelled"}
    state = words.get(record.state, record.state) if record.cancelled else record.state
    return state.replace("_", " ")


def count(number: int, noun: str) -> str:
    """`1 step`, `2 steps`."""
    return f"{number} {noun}" + ("" if number == 1 else "s")


def names(records: Sequence[StepRecord], most: int = 12, space: str = " ") -> str:
    """The steps with their numbers, the first `most` of many; `space` stands within each."""
    named = [
        f"{record.index + 1} {shown(record.step.name)}".replace(" ", space)
        for record in records[:most]
    ]
    more = f" and {len(records) - most} more" if len(records) > most else ""
    return ", ".join(named) + more


def listed(ids: Sequence[str], most: int = 12) -> str:
    """`a, b, c and 7 more`: the ids of steps, the first `most` of many."""
    more = f" and {len(ids) - most} more" if len(ids) > most else ""
    return ", ".join(ids[:most]) + more
