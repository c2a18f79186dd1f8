"""The skill `files`: what it changes, what it brings back, and what it refuses."""

from __future__ import annotations

import json
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fsm.actions.skills.files import files
from fsm.engine.ports import Failed, Succeeded

from .conftest import Steps
from .killed import CASES

SAMPLE = Path(__file__).parent / "samples" / "kept-v1"


@pytest.fixture
def steps(folder: Path) -> Steps:
    return Steps(files, folder)


@pytest.mark.parametrize("case", CASES)
def test_killed_before_any_call_it_is_known_whether_it_was_done_and_undone_exactly(
    tmp_path: Path, case: str
) -> None:
    driver = Path(__file__).parent / "killed.py"
    done = subprocess.run(
        [sys.executable, driver, tmp_path / "work", case], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    counted = json.loads(done.stdout)
    assert counted["kills"] > 10
    assert counted["undo_kills"] > 10


def every_action(path: str) -> list[tuple[str, dict[str, Any]]]:
    """Each action with that path wherever it takes one, one at a time."""
    return [
        ("write", {"path": path, "text": "x"}),
        ("copy", {"source": path, "to": "copy"}),
        ("copy", {"source": "here", "to": path}),
        ("move", {"source": path, "to": "moved"}),
        ("move", {"source": "here", "to": path}),
        ("remove", {"path": path}),
        ("template", {"source": path, "to": "made", "values": {}}),
        ("template", {"source": "here", "to": path, "values": {}}),
        ("make-folder", {"path": path}),
    ]


def leaving(folder: Path) -> dict[str, str]:
    """Names that lead out of the folder, or nowhere."""
    (folder.parent / "other").mkdir()
    (folder.parent / "other/file").write_text("theirs")
    (folder / "out").symlink_to(folder.parent / "other")
    (folder / "here").write_text("mine")
    return {
        "up": "../other/file",
        "up and down": "missing/../../other/file",
        "absolute": str(folder.parent / "other/file"),
        "root": "/etc/passwd",
        "through a link": "out/file",
        "the folder": ".",
        "the folder above": "..",
        "above by name": "out/..",
        "nothing": "",
        "NUL": "a\0b",
        "no Unicode": "a\ud800",
        "too long": "x/" * 3000,
        "fsm's own": ".fsm/state.db",
    }


@pytest.mark.parametrize("purpose", ["run", "dry_run"])
def test_no_action_leaves_the_plans_folder(steps: Steps, folder: Path, purpose: Any) -> None:
    for what, path in leaving(folder).items():
        for action, params in every_action(path):
            outcome = steps.perform(action, params, purpose)
            assert isinstance(outcome, Failed), (what, action)
            assert "Traceback" not in outcome.tail, outcome
            assert outcome.error.isprintable()
    assert (folder.parent / "other/file").read_text() == "theirs"
    assert sorted(p.name for p in folder.parent.iterdir()) == ["other", "plan"]
    assert sorted(p.name for p in folder.iterdir() if p.name != ".fsm") == ["here", "out"]


def test_a_refusal_says_where_it_leads_and_what_to_write(steps: Steps, folder: Path) -> None:
    leaving(folder)
    there = folder.parent / "other/file"
    assert steps.error("write", path="out/file", text="x") == (
        f"`out/file` leads out of the plan's folder, to {there}; "
        "stay within it; with `outside: true` an action of files may leave it"
    )


def test_allowed_outside_it_is_changed_and_brought_back(steps: Steps, folder: Path) -> None:
    leaving(folder)
    given = {"path": "../other/file", "text": "x", "outside": True}
    assert isinstance(steps.perform("write", given), Succeeded)
    assert (folder.parent / "other/file").read_text() == "x"
    assert isinstance(steps.perform("restore", {}, "rollback"), Succeeded)
    assert (folder.parent / "other/file").read_text() == "theirs"


def test_a_link_that_stays_within_the_folder_is_followed_on_the_way(
    steps: Steps, folder: Path
) -> None:
    (folder / "releases").mkdir()
    (folder / "current").symlink_to("releases")
    assert isinstance(steps.perform("write", {"path": "current/x", "text": "1"}), Succeeded)
    assert (folder / "releases/x").read_text() == "1"


def test_a_link_at_the_end_is_not_written_through(steps: Steps, folder: Path) -> None:
    (folder / "file").write_text("kept")
    (folder / "link").symlink_to("file")
    assert "is a link" in steps.error("write", path="link", text="x")
    assert "is a link" in steps.error("copy", source="link", to="copy")
    assert (folder / "file").read_text() == "kept"


HOSTILE = [
    "$(touch pwned)",
    "`touch pwned`",
    "; touch pwned",
    "'\"",
    "two\nlines",
    "-rf",
    "--help",
    "~",
    "*",
    "a\\b",
    "{{ 7 * 7 }}",
    "\udcff",
    "\x1b]0;title\x07",
]


@pytest.mark.parametrize("value", HOSTILE)
def test_a_hostile_value_is_a_name_and_a_text_like_any_other(
    steps: Steps, folder: Path, value: str
) -> None:
    text = value.encode("utf-8", "replace").decode()
    (folder / "in").write_text("<{{ x }}>")
    for action, params in (
        ("make-folder", {"path": "d" + value}),
        ("write", {"path": value, "text": text}),
        ("copy", {"source": value, "to": f"d{value}/{value}"}),
        ("move", {"source": value, "to": f"{value}2"}),
        ("template", {"source": "in", "to": "made", "values": {"x": text}}),
        ("remove", {"path": f"{value}2"}),
    ):
        for purpose in ("dry_run", "run"):
            outcome = steps.perform(action, params, purpose, step=action)  # type: ignore[arg-type]
            assert isinstance(outcome, Succeeded), (action, purpose, outcome)
        assert isinstance(steps.perform(action, params, "check", step=action), Succeeded), action
    assert (folder / ("d" + value) / value).read_text() == text
    assert (folder / "made").read_text() == f"<{text}>"
    for action in ("remove", "template", "move", "copy", "write", "make-folder"):
        outcome = steps.perform("restore", {}, "rollback", step=action)
        assert isinstance(outcome, Succeeded), (action, outcome)
    assert sorted(path.name for path in folder.iterdir()) == [".fsm", "in"]


def test_text_that_is_no_unicode_is_refused(steps: Steps, folder: Path) -> None:
    assert "not valid Unicode" in steps.error("write", path="x", text="\ud800")
    assert not (folder / "x").exists()


def test_what_is_kept_is_of_the_format_of_the_sample(steps: Steps, folder: Path) -> None:
    """A change here is a change of the format: then what an older fsm kept must be read as well."""
    (folder / "in").write_text("before\n")
    (folder / "in").chmod(0o640)
    assert isinstance(steps.perform("write", {"path": "in", "text": "after\n"}), Succeeded)
    kept = folder / ".fsm/logs/run/step@kept/1"
    record = json.loads((kept / "record.json").read_text())
    (place,) = record["places"]
    assert place["path"] == str(folder / "in")
    assert place["before"]["file"] == [kept.stat().st_dev, (kept / "0.before").stat().st_ino]
    place["path"], place["before"]["file"] = "FOLDER/in", [1, 2]
    assert json.dumps(record) == (SAMPLE / "record.json").read_text().strip()


def test_what_the_sample_kept_is_brought_back(steps: Steps, folder: Path) -> None:
    """As an fsm of the sample's version left it."""
    (folder / "in").write_text("after\n")
    (folder / "in").chmod(0o640)
    kept = folder / ".fsm/logs/run/step@kept/1"
    kept.mkdir(parents=True)
    record = (SAMPLE / "record.json").read_text()
    (kept / "record.json").write_text(record.replace("FOLDER", str(folder)))
    (kept / "0.before").write_text("before\n")
    (kept / "0.before").chmod(0o640)
    assert isinstance(undone := steps.perform("restore", {}, "rollback"), Succeeded), undone
    assert (folder / "in").read_text() == "before\n"
    assert not list(kept.glob("*.found")), "it was taken for somebody else's"


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    before=st.none() | st.binary(max_size=200),
    mode=st.sampled_from([0o600, 0o640, 0o444, 0o755]),
    text=st.text(st.characters(exclude_categories=["Cs"]), max_size=200),
    asked=st.sampled_from([None, "0600", "755"]),
)
def test_undoing_a_write_brings_back_content_and_mode_or_nothing(
    tmp_path: Path, before: bytes | None, mode: int, text: str, asked: str | None
) -> None:
    shutil.rmtree(tmp_path / "plan", ignore_errors=True)
    (tmp_path / "plan").mkdir()
    steps, path = Steps(files, tmp_path / "plan"), tmp_path / "plan/file"
    if before is not None:
        path.write_bytes(before)
        path.chmod(mode)
    params = {"path": "file", "text": text, "mode": asked}
    assert isinstance(steps.perform("write", params), Succeeded)
    assert path.read_bytes() == text.encode()
    if asked is not None:
        assert stat.S_IMODE(path.stat().st_mode) == int(asked, 8)
    elif before is not None:
        assert stat.S_IMODE(path.stat().st_mode) == mode
    assert isinstance(steps.perform("write", params, "check"), Succeeded)
    assert isinstance(steps.perform("restore", {}, "rollback"), Succeeded)
    assert isinstance(steps.perform("write", params, "check"), Failed)
    if before is None:
        assert not path.exists()
    else:
        assert path.read_bytes() == before
        assert stat.S_IMODE(path.stat().st_mode) == mode


def test_a_copy_is_as_private_as_its_source(steps: Steps, folder: Path) -> None:
    (folder / "secret").write_text("x")
    (folder / "secret").chmod(0o600)
    (folder / "open").write_text("y")
    (folder / "open").chmod(0o644)
    steps.perform("copy", {"source": "secret", "to": "open"})
    assert stat.S_IMODE((folder / "open").stat().st_mode) == 0o600


def test_what_is_kept_is_open_to_its_owner_only(steps: Steps, folder: Path) -> None:
    (folder / "file").write_text("before")
    steps.perform("write", {"path": "file", "text": "mine"})
    for part in ("", "logs", "logs/run", "logs/run/step@kept", "logs/run/step@kept/1"):
        assert stat.S_IMODE((folder / ".fsm" / part).stat().st_mode) == 0o700


def test_what_others_made_of_it_meanwhile_is_kept(steps: Steps, folder: Path) -> None:
    (folder / "file").write_text("before")
    steps.perform("write", {"path": "file", "text": "mine"})
    (folder / "file").write_text("theirs")
    assert isinstance(steps.perform("restore", {}, "rollback"), Succeeded)
    assert (folder / "file").read_text() == "before"
    assert (folder / ".fsm/logs/run/step@kept/1/0.found").read_text() == "theirs"
    assert "was not this step's: kept as" in steps.log()


def test_a_folder_that_others_filled_is_kept_with_what_they_put_there(
    steps: Steps, folder: Path
) -> None:
    steps.perform("make-folder", {"path": "made"})
    (folder / "made/theirs").write_text("x")
    assert isinstance(steps.perform("restore", {}, "rollback"), Succeeded)
    assert not (folder / "made").exists()
    assert (folder / ".fsm/logs/run/step@kept/1/0.found/theirs").read_text() == "x"


def test_a_folder_that_was_there_stays(steps: Steps, folder: Path) -> None:
    (folder / "there").mkdir()
    steps.perform("make-folder", {"path": "there"})
    assert isinstance(steps.perform("restore", {}, "rollback"), Succeeded)
    assert (folder / "there").is_dir()


def test_after_a_failed_attempt_undoing_brings_back_what_was_before_the_one_that_worked(
    steps: Steps, folder: Path
) -> None:
    (folder / "file").mkdir()
    assert "is a folder" in steps.error("write", path="file", text="mine")
    (folder / "file").rmdir()
    (folder / "file").write_text("before")
    assert isinstance(steps.perform("write", {"path": "file", "text": "mine"}), Succeeded)
    assert isinstance(steps.perform("restore", {}, "rollback"), Succeeded)
    assert (folder / "file").read_text() == "before"


def test_undoing_a_step_that_changed_nothing_changes_nothing(steps: Steps, folder: Path) -> None:
    assert "there is no" in steps.error("remove", path="missing")
    assert isinstance(steps.perform("restore", {}, "rollback"), Succeeded)
    assert "nothing had been changed" in steps.log()


def test_what_is_not_kept_any_more_is_not_said_to_be_undone(steps: Steps, folder: Path) -> None:
    steps.perform("write", {"path": "file", "text": "mine"})
    shutil.rmtree(folder / ".fsm/logs/run/step@kept")
    assert "put it right by hand" in steps.error("restore", "rollback")
    assert (folder / "file").read_text() == "mine"


def test_a_folder_that_became_a_link_is_not_followed_by_undoing(steps: Steps, folder: Path) -> None:
    (folder / "sub").mkdir()
    steps.perform("write", {"path": "sub/file", "text": "mine"})
    (folder / "sub").rename(folder / "aside")
    (folder.parent / "other").mkdir()
    (folder.parent / "other/file").write_text("theirs")
    (folder / "sub").symlink_to(folder.parent / "other")
    assert "is no folder, or a link" in steps.error("restore", "rollback")
    assert (folder.parent / "other/file").read_text() == "theirs"


def test_a_template_has_its_values_and_nothing_else(steps: Steps, folder: Path) -> None:
    for text, said in (
        ("{{ params.x }}", "nothing is called `params`; there is `port`"),
        ("{{ prt }}", "did you mean `port`"),
        ("{{ port.__class__ }}", "no `__class__`"),
        ("{% import 'x' as y %}", "no `{% import %}`"),
        ("{{ 'x' * 10000000 }}", "too large"),
        ("{{ port", "cannot be read"),
    ):
        (folder / "in").write_text(text)
        given = {"source": "in", "to": "out", "values": {"port": 80}}
        for purpose in ("run", "dry_run"):
            assert said in steps.error("template", purpose, **given), text  # type: ignore[arg-type]
    assert not (folder / "out").exists()


def test_a_template_writes_what_its_values_make_of_it(steps: Steps, folder: Path) -> None:
    (folder / "in").write_text("{% for h in hosts %}{{ h }}:{{ port }}\n{% endfor %}")
    given = {"source": "in", "to": "out", "values": {"hosts": ["a", "b"], "port": 80}}
    assert isinstance(steps.perform("template", given), Succeeded)
    assert (folder / "out").read_text() == "a:80\nb:80\n"


def test_a_dry_run_leaves_everything_as_it_is(steps: Steps, folder: Path) -> None:
    (folder / "here").write_text("{{ x }}")
    for action, params in every_action("here"):
        steps.perform(
            action, params | ({"values": {"x": 1}} if action == "template" else {}), "dry_run"
        )
    assert {path.name for path in folder.iterdir()} <= {".fsm", "here"}
    assert (folder / "here").read_text() == "{{ x }}"
    assert not list(folder.rglob("*@kept"))


@pytest.mark.parametrize("mode", ["rw", "8", "999", "07777", "-1", "٧٧٧"])
def test_a_mode_is_written_as_chmod_does(steps: Steps, folder: Path, mode: str) -> None:
    assert "write it as chmod does" in steps.error("write", path="x", text="", mode=mode)


def test_what_somebody_wrote_after_it_was_undone_is_what_was_before_it_is_done_again(
    steps: Steps, folder: Path
) -> None:
    given = {"path": "file", "text": "same"}
    steps.perform("write", given)
    steps.perform("restore", {}, "rollback")
    (folder / "file").write_text("same")
    assert isinstance(steps.perform("write", given, "check"), Failed)
    assert isinstance(steps.perform("write", given), Succeeded)
    steps.perform("restore", {}, "rollback")
    assert (folder / "file").read_text() == "same"
