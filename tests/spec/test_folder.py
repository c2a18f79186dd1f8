"""The folder of a `@real` scenario, and that a rehearsal has none."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from fsm.errors import Invalid
from fsm.spec.performance import Performance
from fsm.spec.story import Mismatch, Story
from fsm.spec.words import CHAPTERS

from .conftest import told

SENTENCES = [
    'the folder has the file "a" with "b"',
    'the folder has a copy of "release.yaml"',
    'the file "a" is removed from the folder',
    "`true` has been run in the folder",
    'the folder has the file "a"',
    'the folder has no file "a"',
    'the file "a" in the folder says "b"',
]


@pytest.fixture
def real(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Story:
    """A story that really happens."""
    scratch = tmp_path_factory.mktemp("scratch")
    story = Story(folder, open_stage=partial(Performance, folder=scratch), scratch=scratch)
    return told(story, 'Given the approved plan "release.yaml"')


@pytest.mark.parametrize("sentence", SENTENCES)
def test_a_rehearsal_has_no_folder(story: Story, sentence: str) -> None:
    keyword = (
        "Given" if CHAPTERS["The folder of a @real scenario"].find("Given", sentence) else "Then"
    )
    with pytest.raises(Invalid, match="put @real above the scenario"):
        told(story, f"{keyword} {sentence}")


def test_a_step_that_is_scripted_leaves_nothing(real: Story) -> None:
    told(
        real,
        'Given the step "publish" fails with "no server"',
        "When somebody runs the plan",
        "Then the run is paused",
        'And the folder has the file "built"',
        'And the folder has the file "tested"',
        'And the folder has no file "published"',
        "When somebody rolls the run back",
        "Then the run is rolled back",
        'And the folder has no file "built"',
    )
    real.close()


def test_a_real_failure_is_told_with_its_exit_code(real: Story) -> None:
    told(
        real,
        'Given the folder has the file "built/in-the-way" with "x"',
        "When somebody runs the plan",
        "And somebody rolls the run back",
        "Then the run needs intervention",
        "And somebody is alerted",
    )
    real.close()


def test_what_keeps_it_from_running_is_found_before(folder: Path, real: Story) -> None:
    plan = folder / "missing.yaml"
    plan.write_text("plan: {id: missing, steps: [{id: a, run: [no-such-command-anywhere]}]}")
    told(real, 'Given the approved plan "missing.yaml"', "When somebody runs the plan")
    told(real, 'Then it is refused because "no-such-command-anywhere"', "And the exit code is 2")


def test_nothing_outside_of_it_is_touched(real: Story) -> None:
    for name in ("../a", "/tmp/a"):
        with pytest.raises(Invalid, match="is outside of the folder"):
            told(real, f'Given the folder has the file "{name}" with "b"')


def test_a_command_that_fails_is_told_with_what_it_printed(real: Story) -> None:
    with pytest.raises(Mismatch, match="ended with exit code 3\nwell"):
        told(real, "Given `echo well; exit 3` has been run in the folder")


@pytest.mark.parametrize(
    "sentence",
    [
        'the folder has the file "b"',
        'the folder has no file "a"',
        'the file "a" in the folder says "c"',
    ],
)
def test_what_is_not_so_fails(real: Story, sentence: str) -> None:
    told(real, 'Given the folder has the file "a" with "b"')
    with pytest.raises(Mismatch):
        told(real, f"Then {sentence}")
