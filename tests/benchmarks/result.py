"""What was measured against what is wanted, and how it is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from rounds import Spread

__all__ = ["Result", "as_json", "line", "table"]


@dataclass(frozen=True)
class Result:
    """One figure. `goal` is the most it may be (`at_least`: the least); None: shown for information.

    `others` is what other tools reach at the same work (FACTS.md, measured beforehand).
    """

    work: str
    figure: str
    value: Spread
    unit: str = "×"
    goal: float | None = None
    at_least: bool = False
    others: str = ""

    @property
    def passed(self) -> bool | None:
        if self.goal is None:
            return None
        if self.at_least:
            return self.value.median >= self.goal
        return self.value.median <= self.goal


_HEAD = ("work", "figure", "goal", "median", "min … max", "", "others reach")
_WIDTHS = (38, 45, 9, 9, 15, 1, 0)


def table(results: Sequence[Result]) -> str:
    """All figures, a line each."""
    lines = [_row(_HEAD), "-" * 140]
    before = ""
    for result in results:
        lines.append(line(result, repeat=result.work != before))
        before = result.work
    missed = sum(result.passed is False for result in results)
    held = sum(result.passed is True for result in results)
    return "\n".join([*lines, "-" * 140, f"{held} goals reached, {missed} missed"])


def line(result: Result, *, repeat: bool = True) -> str:
    """One figure; without `repeat` the name of the work is left out."""
    unit, value = result.unit, result.value
    sign = "≥" if result.at_least else "≤"
    goal = "" if result.goal is None else f"{sign} {result.goal:g} {unit}"
    mark = {True: "✓", False: "✗", None: ""}[result.passed]
    return _row(
        (
            result.work if repeat else "",
            result.figure,
            goal,
            f"{_number(value.median)} {unit}",
            f"{_number(value.low)} … {_number(value.high)}",
            mark,
            result.others,
        )
    )


def as_json(result: Result) -> dict[str, object]:
    return {**asdict(result), "passed": result.passed}


def _row(cells: Sequence[str]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, _WIDTHS, strict=True)).rstrip()


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 20 else f"{value:.2f}"
