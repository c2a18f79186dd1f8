"""The machine's clock, set while commands run and between them."""

from __future__ import annotations

from pytest_bdd import given, parsers, when

from ..place import SPECS, Place
from .servers import on_a_server

_DIRECTIONS = {"back": -1, "forward": 1}
_SECONDS = {"an hour": 3600, "20 years": 20 * 365 * 86_400}  # far beyond January 2038


@given("a clock that can be set")
def a_clock(place: Place) -> None:
    place.env["PYTHONPATH"] = str(SPECS / "stand_ins" / "clock")
    place.env["SPECS_CLOCK"] = str(place.folder.parent / "clock")
    _set(place, 0)


@given(parsers.parse('the state is kept by "{kind}"'))
def kept_by(place: Place, kind: str) -> None:
    if kind == "redis":
        on_a_server(place)
    else:
        place.env["FSM_STATE"] = {"sqlite": "sqlite:.fsm/state.db", "json": "json:.fsm"}[kind]


@when(parsers.re("the clock is set (?P<span>.+) (?P<direction>back|forward)"))
def set_clock(place: Place, span: str, direction: str) -> None:
    _set(place, _DIRECTIONS[direction] * _SECONDS[span])


def _set(place: Place, seconds: int) -> None:
    """In one piece: a command that runs may look at any moment."""
    new = place.folder.parent / "clock.new"
    new.write_text(str(seconds))
    new.rename(place.env["SPECS_CLOCK"])
