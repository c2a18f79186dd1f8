"""The tables that ship with the package: proved, and packed so that a command starts without a parser.

`tables/NAME.yaml` is what people write and read; `tables/NAME.json` is the same table as it was read from
there, every short form expanded. A test holds the two to each other and proves both
(`tests/machine/test_shipped.py`, which also packs them anew).
"""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

from fsm.machine.spec import MachineSpec, Row, StateSpec

__all__ = ["TABLES", "load_table", "packed"]

TABLES = Path(__file__).parent / "tables"


def load_table(name: str) -> MachineSpec:
    """A table that ships with the package, such as `plan`."""
    data: dict[str, Any] = json.loads((TABLES / f"{name}.json").read_bytes())
    data["states"] = {state: StateSpec(**given) for state, given in data["states"].items()}
    data["rows"] = tuple(Row(**_with_tuples(row)) for row in data["rows"])
    return MachineSpec(**_with_tuples(data))


def packed(spec: MachineSpec) -> str:
    """The table as text from which `load_table` makes it again; what is at its default is left out."""
    data = _packed(spec)
    rows = ",\n".join(json.dumps(_packed(row)) for row in data.pop("rows"))
    data["states"] = {name: _packed(state) for name, state in data["states"].items()}
    return f'{json.dumps(data)[:-1]}, "rows": [\n{rows}\n]}}\n'


def _packed(part: MachineSpec | Row | StateSpec) -> dict[str, Any]:
    given = {field.name: getattr(part, field.name) for field in fields(part)}
    return {name: value for name, value in given.items() if value not in ("", (), None, False)}


def _with_tuples(data: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(v) if isinstance(v, list) else v for name, v in data.items()}
