"""The machines that are shown to people as examples: `specs/machines/`."""

from __future__ import annotations

from pathlib import Path

import pytest

from fsm.errors import TransitionRefused
from fsm.machine import Machine, load_machine

MACHINES = Path(__file__).parents[2] / "specs" / "machines"


class Record:
    def __init__(self, state: str, *holding: str) -> None:
        self.state = state
        self.holding = holding


def driven(name: str) -> Machine[Record]:
    spec = load_machine(MACHINES / name)
    names = {name for row in spec.rows for name in row.literals}
    return Machine(spec, {n: lambda record, n=n: n in record.holding for n in names})


@pytest.mark.parametrize("name", sorted(path.name for path in MACHINES.glob("*.yaml")))
def test_every_example_is_proved(name: str) -> None:
    assert load_machine(MACHINES / name).name == name.removesuffix(".yaml")


def test_a_door_opens_to_a_key_that_fits_and_to_nobody_else() -> None:
    door = driven("door.yaml")
    assert door.fire(Record("locked", "key_fits"), "unlock") == "closed"
    with pytest.raises(TransitionRefused):
        door.fire(Record("locked"), "unlock")


@pytest.mark.parametrize("state", ["locked", "closed"])
def test_a_door_that_is_bolted_does_not_open(state: str) -> None:
    with pytest.raises(TransitionRefused, match="`unlocked` does not hold"):
        driven("door.yaml").fire(Record(state), "open")


def test_an_order_is_paid_shipped_and_given_back() -> None:
    order = driven("order.yaml")
    known = ["has_items", "address_known", "amount_matches", "in_stock", "within_two_weeks"]
    record = Record("basket", *known)
    done = ["place", "payment_received", "ship", "parcel_delivered", "send_back", "parcel_returned"]
    states = [order.fire(record, trigger) for trigger in done]
    assert states == ["placed", "paid", "shipped", "delivered", "returning", "on_hold"]
