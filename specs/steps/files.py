"""Files and folders that a scenario finds, makes and leaves."""

from __future__ import annotations

import stat
from pathlib import Path

from pytest_bdd import given, parsers, step, then, when

from ..place import Place


@given(parsers.parse('the file "{name}":'))
@step(parsers.parse('I write the file "{name}":'))
def the_file(place: Place, name: str, docstring: str) -> None:
    path = place.path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(docstring + "\n", encoding="utf-8")


@given(parsers.parse('there is a file "{name}"'))
@when(parsers.parse('I make the file "{name}"'))
def there_is_a_file(place: Place, name: str) -> None:
    place.path(name).parent.mkdir(parents=True, exist_ok=True)
    place.path(name).touch()


@given(parsers.parse('there is a folder "{name}"'))
@when(parsers.parse('I make the folder "{name}"'))
def there_is_a_folder(place: Place, name: str) -> None:
    place.path(name).mkdir(parents=True)


@given(parsers.parse('the file "{name}" may be executed'))
def may_be_executed(place: Place, name: str) -> None:
    place.path(name).chmod(0o755)


@when(parsers.parse('I remove the file "{name}"'))
def i_remove_the_file(place: Place, name: str) -> None:
    place.path(name).unlink()


@then(parsers.re('the file "(?P<name>[^"]+)" reads "(?P<text>.*)"'))
def the_file_reads(place: Place, name: str, text: str) -> None:
    name = place.filled(name)
    assert place.path(name).exists(), f"no {name}: {place.answer}"
    found = place.path(name).read_text(encoding="utf-8", errors="backslashreplace").strip()
    assert found.replace("\n", " ") == place.filled(text), place.answer


@then(parsers.parse('the file "{name}" begins with "{text}"'))
def the_file_begins_with(place: Place, name: str, text: str) -> None:
    assert place.path(name).read_text(encoding="utf-8").startswith(text)


@then(parsers.parse('the file "{name}" reads:'))
def the_file_reads_all_that(place: Place, name: str, docstring: str) -> None:
    assert place.path(name).exists(), f"no {name}: {place.answer}"
    assert place.path(name).read_text(encoding="utf-8").strip() == place.filled(docstring).strip()


@then(parsers.parse('there is a file "{name}"'))
def there_is_one(place: Place, name: str) -> None:
    name = place.filled(name)
    assert place.path(name).exists(), f"no {name}: {place.answer}"


@then(parsers.parse('there is no file "{name}"'))
def there_is_none(place: Place, name: str) -> None:
    name = place.filled(name)
    assert not place.path(name).exists(), place.answer


@then(parsers.parse('the folder holds only "{names}"'))
def the_folder_holds_only(place: Place, names: str) -> None:
    found = sorted(str(path.relative_to(place.folder)) for path in place.folder.rglob("*"))
    assert found == sorted(names.split()), place.answer


@then("the folder holds nothing")
def the_folder_holds_nothing(place: Place) -> None:
    assert list(place.folder.iterdir()) == [], place.answer


@then(parsers.parse('no file begins with "{beginning}"'))
def no_file_begins(place: Place, beginning: str) -> None:
    assert not list(place.folder.glob(f"{beginning}*")), place.answer


@then("the home folder is empty")
def the_home_is_empty(place: Place) -> None:
    assert list(place.folder.parent.joinpath("home").iterdir()) == []


@then("nobody else may read the state folder or anything in it")
def only_mine(place: Place) -> None:
    paths = [place.state.parent, *place.state.parent.rglob("*")]
    assert len(paths) > 2
    for path in paths:
        mode = stat.S_IMODE(path.lstat().st_mode)
        assert mode & 0o077 == 0, f"{path} has mode {mode:o}"


@then(parsers.parse('the log of "{step}" has every byte'))
def the_log_has_every_byte(place: Place, step: str) -> None:
    (log,) = place.state.parent.glob(f"logs/*/{step}.1.log")
    assert b"\xff\x00\x1b[31mred\x1b]0;title\x07\n" in log.read_bytes()


@then(parsers.parse("the files of the state are smaller than {most:d} MB together"))
def the_state_is_small(place: Place, most: int) -> None:
    sizes = [path.stat().st_size for path in place.state.parent.rglob("*") if path.is_file()]
    assert 0 < sum(sizes) < most * 1_000_000


@then(parsers.parse('nothing that was printed holds "{text}"'))
def nothing_printed_holds(place: Place, text: str) -> None:
    assert len(place.answers) > 0
    for answer in place.answers:
        assert text not in answer.out + answer.error, answer


@then(parsers.parse('no file of the state holds "{text}"'))
def no_file_of_the_state_holds(place: Place, text: str) -> None:
    assert place.state.exists(), "there is no state"
    no_file_below_holds(place, text, place.state.parent)


@then(parsers.parse('no file below holds "{text}"'))
def no_file_below_holds(place: Place, text: str, folder: Path | None = None) -> None:
    for path in (folder or place.folder).rglob("*"):
        if not path.is_file():
            continue
        assert text.encode() not in path.read_bytes(), f"{text} stands in {path}"
        assert text not in path.name
