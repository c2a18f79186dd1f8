"""What validation found, for reading: a table of steps, and all that is wrong (S0, "Validation Phase")."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, get_args

from fsm.engine.ports import Aspect
from fsm.views.cells import cells, cut, padded
from fsm.views.text import count, shown

if TYPE_CHECKING:
    from pydantic import JsonValue

    from fsm.engine.findings import Findings, StepFindings
    from fsm.plan.model import Plan

__all__ = ["validation_json", "validation_text"]

_ASPECTS: Final[Sequence[Aspect]] = get_args(Aspect)
_MARKS: Final = {
    "ok": "✓",
    "failed": "✗",
    "none": "–",
    "not_made": "not made",
    "needs_outputs": "needs outputs",
}
_MOST_ROWS = 50
_MOST_NAMED = 3
_WIDEST = 40


def validation_text(plan: Plan, findings: Findings, *, full: bool = False) -> str:
    """The table, and the problems or one line that says there are none.

    Of more than 50 steps only those that are not well are shown, at most 50, and the rest is counted, unless
    `full`.
    """
    lines = [*_table(findings.steps, full=full), ""] if findings.steps else []
    steps, checks = count(len(plan.steps), "step"), count(findings.checks, "check")
    if findings.faults:
        lines += [f"✗ {shown(str(problem))}" for problem in findings.problems]
        found = count(len(findings.faults), "problem")
        return "\n".join([*lines, f"✗ {shown(plan.name)}: {steps}, {checks}, {found}"])
    found = f"✓ {shown(plan.name)}: {steps}, {checks}, no problem"
    return "\n".join([*lines, found, f"  digest {plan.digest}"])


def validation_json(plan: Plan, findings: Findings) -> dict[str, JsonValue]:
    """The same as one JSON document; `steps` holds each of them, however many."""
    problems: list[JsonValue] = [
        {
            **fault.problem.as_dict(),
            "steps": list(fault.steps),
            "aspect": fault.aspect,
        }
        for fault in findings.faults
    ]
    steps: list[JsonValue] = []
    for row in findings.steps:
        words: dict[str, JsonValue] = {"id": row.step}
        words |= dict(zip((*_ASPECTS, "dry_run"), _words(row), strict=True))
        steps.append(words | ({"needs": list(row.needs)} if row.needs else {}))
    return {
        "plan": plan.id,
        "digest": plan.digest,
        "valid": not findings.faults,
        "checks": findings.checks,
        "steps": steps,
        "problems": problems,
    }


def _words(row: StepFindings) -> tuple[str, ...]:
    """What came of each column: `ok`, `failed`, `none` …"""
    looked_at = row.aspects
    return (
        *(
            "none" if aspect not in looked_at else "ok" if looked_at[aspect] else "failed"
            for aspect in _ASPECTS
        ),
        row.dry_run,
    )


def _table(rows: Sequence[StepFindings], *, full: bool) -> list[str]:
    table = [("step", *_ASPECTS, "dry-run")]
    rest: Sequence[StepFindings] = ()
    if len(rows) > _MOST_ROWS and not full:
        faulty = [row for row in rows if not row.is_well][:_MOST_ROWS]
        named = {row.step for row in faulty}
        rest = [row for row in rows if row.step not in named]
        rows = faulty
    for row in rows:
        *aspects, dry_run = (_MARKS[word] for word in _words(row))
        table.append((cut(row.step, _WIDEST), *aspects, dry_run + _whose(row)))
    if rest:
        columns = zip(*map(_words, rest), strict=True)
        label = f"{len(rest)} more" if rows else f"all {len(rest)}"
        table.append((label, *map(_counted, columns)))
    widths = [max(map(cells, column)) for column in zip(*table, strict=True)]
    return [
        "  " + "  ".join(map(padded, row, widths)).rstrip()  # two blanks: no line is a problem's
        for row in table
    ]


def _whose(row: StepFindings) -> str:
    if not row.needs:
        return ""
    more = len(row.needs) - _MOST_NAMED
    named = ", ".join(row.needs[:_MOST_NAMED])
    return f" of {named}" + (f" and {more} more" if more > 0 else "")


def _counted(words: Sequence[str]) -> str:
    """One mark if it is the same for all, else each mark with its number."""
    numbers = Counter(words)
    if len(numbers) == 1:
        return _MARKS[words[0]]
    return ", ".join(f"{numbers[word]} {mark}" for word, mark in _MARKS.items() if numbers[word])
