"""Specifications of users: what they need."""

from __future__ import annotations

from pytest_bdd import given

from ..place import Place


@given("the library pytest-bdd is not installed")
def not_installed(place: Place) -> None:
    """A module of its name that is not there to be imported, before the one that is."""
    folder = place.folder.parent / "hiding"
    folder.mkdir()
    folder.joinpath("pytest_bdd.py").write_text(
        "raise ModuleNotFoundError(\"No module named 'pytest_bdd'\", name='pytest_bdd')\n"
    )
    place.env["PYTHONPATH"] = str(folder)
