"""A transition table as text and as JSON, and what one trigger did."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING

from fsm.views.cells import wrap
from fsm.views.columns import columns, widths_of
from fsm.views.drawings.machine import conditions_of
from fsm.views.text import count, shown

if TYPE_CHECKING:
    from pydantic import JsonValue

    from fsm.machine import MachineSpec, Row

__all__ = ["machine_json", "summary", "table_text", "triggers_text"]


def summary(spec: MachineSpec) -> str:
    """`door: 4 states, 9 triggers (1 fact), 10 rows`."""
    facts = f" ({count(len(spec.facts), 'fact')})" if spec.facts else ""
    return (
        f"{spec.name}: {count(len(spec.states), 'state')}, "
        f"{count(len(spec.triggers()), 'trigger')}{facts}, {count(len(spec.rows), 'row')}"
    )


def table_text(spec: MachineSpec, width: int = 100) -> str:
    """The states, the rows, and below them those of scenarios; `width` cells wide, if it can be."""
    lines = [summary(spec)]
    if spec.description:
        lines += wrap(shown(spec.description), width)
    lines += ["", *_states(spec, width), ""]
    scenarios = dict.fromkeys(row.scenario for row in spec.rows)
    sections = {name: [_cells(r) for r in spec.rows if r.scenario == name] for name in scenarios}
    titles = ("TRIGGER", "FROM", "TO", "IF", "WHY")
    widths = widths_of([titles, *chain(*sections.values())], width)
    lines += columns([titles, *sections.pop(None, ())], width, widths)
    for scenario, rows in sections.items():
        lines += ["", f"when it is the scenario {scenario}:", *columns(rows, width, widths)]
    if spec.facts:
        facts = f"facts, which must be taken: {', '.join(spec.facts)}"
        lines += ["", *wrap(facts, width, hanging="  ")]
    return "\n".join(lines)


def triggers_text(spec: MachineSpec, state: str, width: int = 100) -> str:
    """What can be fired in `state`: a line a row, and what it leads to."""
    rows = [
        (row.trigger, f"→ {row.dest}", "; ".join(conditions_of(row)), row.why)
        for row in spec.rows_from(state)
    ]
    return "\n".join(f"  {line}" for line in columns(rows, width - 2))


def machine_json(spec: MachineSpec) -> dict[str, JsonValue]:
    """The machine with its states and rows; `scenario` is null for a row that has none."""
    return {
        "machine": spec.name,
        "description": spec.description,
        "initial": spec.initial,
        "states": {
            name: {"final": state.final, "description": state.description}
            for name, state in spec.states.items()
        },
        "facts": list(spec.facts),
        "rows": [
            {
                "trigger": row.trigger,
                "source": list(row.source),
                "dest": row.dest,
                "conditions": list(row.conditions),
                "unless": list(row.unless),
                "why": row.why,
                "scenario": row.scenario,
            }
            for row in spec.rows
        ],
    }


def _states(spec: MachineSpec, width: int) -> Iterator[str]:
    rows = []
    for name, state in spec.states.items():
        marks = ["initial"] if name == spec.initial else []
        marks += ["final"] if state.final else []
        rows.append((name, ", ".join(marks), shown(state.description)))
    rows.insert(0, ("STATE", "", ""))
    return columns(rows, width)


def _cells(row: Row) -> tuple[str, ...]:
    return (row.trigger, ", ".join(row.source), row.dest, ", ".join(conditions_of(row)), row.why)
