"""The tables that ship: what is packed is what the YAML says, and proved.

`python tests/machine/test_shipped.py` packs them anew.
"""

from __future__ import annotations

import pytest

from fsm.machine import load_machine, load_table, prove
from fsm.machine.shipped import TABLES, packed

NAMES = sorted(path.stem for path in TABLES.glob("*.yaml"))


@pytest.mark.parametrize("name", NAMES)
def test_a_packed_table_is_the_one_that_people_read(name: str) -> None:
    again = f"pack it anew: python {__file__}"
    assert load_table(name) == load_machine(TABLES / f"{name}.yaml"), again
    assert (TABLES / f"{name}.json").read_text() == packed(load_table(name)), again


@pytest.mark.parametrize("name", NAMES)
def test_the_tables_that_ship_are_proved(name: str) -> None:
    assert prove(load_table(name)) == []


def test_no_packed_table_is_left_of_one_that_is_gone() -> None:
    assert sorted(path.stem for path in TABLES.glob("*.json")) == NAMES == ["plan", "step"]


if __name__ == "__main__":
    for name in NAMES:
        (TABLES / f"{name}.json").write_text(packed(load_machine(TABLES / f"{name}.yaml")))
