"""Pictures, and the machines that they are drawn from."""

from __future__ import annotations

import shutil
import sys

from pytest_bdd import given, parsers, then

from ..place import SPECS, Place


@given(parsers.parse('the machine "{name}" of the specs'))
def the_machine_of_the_specs(place: Place, name: str) -> None:
    shutil.copy(SPECS / "machines" / f"{name}.yaml", place.folder)


WITHOUT_NEIGHBOURS = """
import sys
sys.executable = "/nowhere/python"
sys.argv[:4] = ["fsm"]
from fsm.__main__ import main
main()
"""


@given("no program that paints is installed")
def no_painter(place: Place) -> None:
    """Neither on the path nor beside the interpreter, for all that the command can tell."""
    place.env["PATH"] = "/nowhere"
    place.within = [sys.executable, "-c", WITHOUT_NEIGHBOURS]


@then(parsers.parse('the file "{name}" is a PNG'))
def is_a_png(place: Place, name: str) -> None:
    content = place.path(name).read_bytes()
    assert content.startswith(b"\x89PNG\r\n\x1a\n"), place.answer
    assert content.endswith(b"IEND\xaeB`\x82")


@then("the journal has no record that it had not before")
def nothing_was_recorded(place: Place) -> None:
    first, *_, last = (a for a in place.answers if a.command == "fsm log")
    assert first.out == last.out
