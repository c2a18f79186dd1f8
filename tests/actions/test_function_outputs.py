"""What a function returns becomes the outputs of its step."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from fsm.actions.python.action import PythonAction
from fsm.actions.python.skill import Skill
from fsm.engine.ports import Failed, Outcome, Succeeded

from .conftest import MakeTask


def returning(value: Any, make: MakeTask, folder: Path) -> Outcome:
    skill = Skill("sample")

    @skill.action
    def give() -> Any:
        return value

    task = make("", action="give", params={}, secrets=(b"hunter2",))
    return asyncio.run(PythonAction(skill, folder).perform(task))


@pytest.mark.parametrize(
    ("value", "outputs"),
    [
        (None, {}),
        (7, {"result": 7}),
        ("a\udcff", {"result": "a?"}),
        ({"n": 1.5, "l": [None, {"x": True}]}, {"n": 1.5, "l": [None, {"x": True}]}),
        ({"a": ["is hunter2"], "b": 2}, {"a": {"$masked": '["is ***"]'}, "b": 2}),
        ({"of_hunter2": 1, "b": 2}, {"of_***": 1, "b": 2}),
    ],
)
def test_values_keep_their_types_and_secrets_do_not_leave(
    make_task: MakeTask, tmp_path: Path, value: Any, outputs: dict[str, Any]
) -> None:
    outcome = returning(value, make_task, tmp_path)
    assert isinstance(outcome, Succeeded)
    assert outcome.outputs == outputs


def test_a_path_is_a_file_that_is_kept(make_task: MakeTask, tmp_path: Path) -> None:
    (tmp_path / "report").write_text("x" * 2_000_000)
    outcome = returning({"report": Path("report"), "n": 1}, make_task, tmp_path)
    assert isinstance(outcome, Succeeded)
    assert outcome.outputs["n"] == 1
    kept = Path(str(outcome.outputs["report"]))
    assert kept.parent == tmp_path / "logs"
    assert kept.read_text() == "x" * 2_000_000


def test_the_name_of_a_file_that_is_kept_shows_no_secret(
    make_task: MakeTask, tmp_path: Path
) -> None:
    (tmp_path / "report").write_text("x")
    outcome = returning({"of_hunter2": Path("report")}, make_task, tmp_path)
    assert isinstance(outcome, Succeeded)
    assert list(outcome.outputs) == ["of_***"]
    assert [path.name for path in (tmp_path / "logs").rglob("*hunter2*")] == []


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (object(), "it returned what is not JSON"),
        ("x" * 1_100_000, "it returned more than 1 MiB; return the `pathlib.Path` of a file"),
        (Path("no"), "the file of `result` cannot be kept: No such file or directory"),
        ({"a b": Path("no")}, "`a b` is no name of an output that is a file"),
        (Path("a\nb=1"), "the path of `result` holds a line feed"),
    ],
)
def test_what_cannot_be_kept_is_a_failure_in_words(
    make_task: MakeTask, tmp_path: Path, value: Any, words: str
) -> None:
    outcome = returning(value, make_task, tmp_path)
    assert isinstance(outcome, Failed)
    assert words in outcome.error
