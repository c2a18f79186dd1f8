"""State that cannot be used: missing rights, a full disk, damage."""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from pytest_bdd import given, parsers, step, then, when

from fsm.run.events import StepCompleted
from fsm.stores import open_store

from ..disks import fill, make_read_only, shut, small_disk
from ..journal import newest_run, opened
from ..place import Place


@given("there is a file where the state folder should be")
def a_file_for_a_folder(place: Place) -> None:
    place.path(".fsm").write_text("not a folder\n")


@given(parsers.parse('the state is on a disk of one megabyte, "{name}"'))
def on_a_small_disk(place: Place, name: str) -> None:
    small_disk(place, name)
    place.env["FSM_STATE"] = f"sqlite:{name}/state.db"


@step(parsers.parse('the disk "{name}" is full'))
def the_disk_is_full(place: Place, name: str) -> None:
    fill(place, name)


@when(parsers.parse('there is space again on the disk "{name}"'))
def space_again(place: Place, name: str) -> None:
    place.within = []
    place.path(f"{name}/filler").unlink(missing_ok=True)


@step(parsers.parse('the folder "{name}" can no longer be written'))
def read_only(place: Place, name: str) -> None:
    make_read_only(place, name)


@given(parsers.parse('nobody may open "{name}"'))
def nobody_may_open(place: Place, name: str) -> None:
    shut(place, name)


@given(parsers.parse('there is a named pipe "{name}"'))
def a_named_pipe(place: Place, name: str) -> None:
    os.mkfifo(place.path(name))


@when("the state folder is in the home folder")
def state_at_home(place: Place) -> None:
    place.env["HOME"] = str(place.folder)


@when("the state folder is removed")
def state_removed(place: Place) -> None:
    shutil.rmtree(place.state)


@when("the state folder is a symbolic link")
def state_by_a_link(place: Place) -> None:
    state = place.path(".fsm")
    state.symlink_to(state.rename(place.path("elsewhere")), target_is_directory=True)


@step(parsers.parse("the database {damage}"))
def the_database(place: Place, damage: str) -> None:
    _settle(place)
    _DAMAGES[damage](place.state)


@when(parsers.parse('somebody changes "{old}" to "{new}" in the journal'))
def change_the_journal(place: Place, old: str, new: str) -> None:
    with opened(place.state) as database:
        changed = database.execute(
            "UPDATE records SET data = replace(data, ?, ?) WHERE instr(data, ?)", (old, new, old)
        ).rowcount
    assert changed > 0, "nothing was changed"


@when(parsers.parse("somebody removes the {which} record of the journal"))
def remove_a_record(place: Place, which: str) -> None:
    order = {"last": "DESC LIMIT 1", "third": "LIMIT 1 OFFSET 2"}[which]
    with opened(place.state) as database:
        database.execute(
            f"DELETE FROM records WHERE place = (SELECT place FROM records ORDER BY place {order})"
        )


@when(parsers.parse('the journal says once more that "{step}" completed'))
def against_the_rules(place: Place, step: str) -> None:
    """A record that is well written, and tells what no row of the step table admits."""
    store = open_store(f"sqlite:{place.state}")
    journal = store.acquire(newest_run(place.state))
    journal.append([StepCompleted(step, 1)], at=time.time(), state="paused")
    journal.close()


@step("I keep a copy of the state as a backup")
def back_up(place: Place) -> None:
    _settle(place)
    shutil.copy(place.state, place.folder / "backup.db")


@when("the runner dies while it writes a line of the journal")
def half_a_line(place: Place) -> None:
    """As much of a record as the disk had taken when the machine stopped."""
    with _journal(place).open("a") as journal:
        journal.write('{"seq":9,"epoch":1,"at":17637')


@when(parsers.parse('somebody changes "{old}" to "{new}" in the lines of the journal'))
def change_the_lines(place: Place, old: str, new: str) -> None:
    text = _journal(place).read_text()
    assert old in text
    _journal(place).write_text(text.replace(old, new))


@when(parsers.parse("the file of the journal {damage}"))
def the_file_of_the_journal(place: Place, damage: str) -> None:
    path = _journal(place)
    place.noted["run"] = path.parent.name
    _FILE_DAMAGES[damage](path)


@then(parsers.parse('a copy of what was cut off is kept as "{names}"'))
def a_copy_is_kept(place: Place, names: str) -> None:
    (copy,) = place.folder.glob(place.filled(names))
    assert copy.read_text() == '{"seq":9,"epoch":1,"at":17637'


@when("I put the backup back")
def put_back(place: Place) -> None:
    _settle(place)
    shutil.copy(place.folder / "backup.db", place.state)


@then("nobody has touched the database")
def nobody_has_touched_it(place: Place) -> None:
    assert place.state.read_bytes() == place.noted["database"]


@step("I note the database")
def note_the_database(place: Place) -> None:
    place.noted["database"] = place.state.read_bytes()


def _journal(place: Place) -> Path:
    return place.state / "runs" / newest_run(place.state) / "journal.jsonl"


def _settle(place: Place) -> None:
    """Merge the write-ahead log, so that the file alone is the whole state."""
    with opened(place.state) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _cut(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def _flip(path: Path) -> None:
    """One bit of a word that somebody wrote: the id of a step in a record."""
    data = bytearray(path.read_bytes())
    at = data.rindex(b'"step":"') + len(b'"step":"')
    data[at] ^= 1
    path.write_bytes(data)


def _of_the_future(path: Path) -> None:
    with opened(path) as database:
        database.execute("PRAGMA user_version = 99")


def _of_another_program(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE recipes (name)")


def _link(path: Path) -> None:
    moved = path.with_name("elsewhere.db")
    path.rename(moved)
    path.symlink_to(moved)


_DAMAGES = {
    "is cut in half": _cut,
    "is empty": lambda path: path.write_bytes(b""),
    "is overwritten with text": lambda path: path.write_bytes(b"Dear diary\n" * 1000),
    "has one bit flipped": _flip,
    "is of format 99": _of_the_future,
    "is one of another program": _of_another_program,
    "is a symbolic link": _link,
    "is in a folder that everybody may write": lambda path: path.parent.chmod(0o777),
}

_FILE_DAMAGES = {
    "is cut in half": _cut,
    "is empty": lambda path: path.write_bytes(b""),
    "is overwritten with text": lambda path: path.write_bytes(b"Dear diary\n" * 1000),
    "has one bit flipped": _flip,
    "is gone": lambda path: path.unlink(),
    "is gone with its folder": lambda path: shutil.rmtree(path.parent),
    "is a symbolic link": _link,
}
