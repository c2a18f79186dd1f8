"""Which features are collected without glue, and which are left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

SCENARIO = """
Feature: The release

  Scenario: All goes well
    Given the approved plan "release.yaml"
    When somebody runs the plan
    Then the run is completed
"""

FOREIGN = """
Feature: Cucumbers

  Scenario: Eating
    Given there are cucumbers
"""

GLUE = """
from pytest_bdd import given, scenarios

scenarios(".")

@given("there are cucumbers")
def cucumbers(): ...
"""


def test_a_feature_beside_its_plan_is_collected_without_glue(
    pytester: pytest.Pytester, folder: Path
) -> None:
    (folder / "release.feature").write_text(SCENARIO)
    result = pytester.runpytest("-q")
    result.assert_outcomes(passed=1)
    assert not (folder / "built").exists(), "a rehearsal does nothing"


def test_a_feature_of_another_name_is_collected_if_it_names_a_plan(
    pytester: pytest.Pytester, folder: Path
) -> None:
    (folder / "other.feature").write_text(SCENARIO)
    pytester.runpytest("-q").assert_outcomes(passed=1)


def test_features_of_other_things_are_left_alone(pytester: pytest.Pytester, folder: Path) -> None:
    (folder / "cucumbers.feature").write_text(FOREIGN)
    assert pytester.runpytest("-q").ret == pytest.ExitCode.NO_TESTS_COLLECTED


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("release.yaml", "plan:\n  steps: [{id: a, run: a}]\n"),
        ("release.yml", "# a door\nstates: {open: }\nrows: []\n"),
        ("release.json", '{"workflow_id": "w", "phases": []}'),
        ("release.json", '{\n  "phases": []\n}'),
        ("release.yaml", "cucumbers:\n  plan: eat\nplanned: [phases]\n"),
        ("release.json", '{"cucumbers": {"rows": 3}}'),
    ],
)
def test_data_of_other_projects_beside_a_feature_of_theirs_does_not_make_it_a_specification(
    pytester: pytest.Pytester, name: str, data: str
) -> None:
    (pytester.path / name).write_text(data)
    (pytester.path / "release.feature").write_text(FOREIGN)
    is_theirs = "cucumbers" in data
    result = pytester.runpytest("-q")
    assert result.ret == (
        pytest.ExitCode.NO_TESTS_COLLECTED if is_theirs else pytest.ExitCode.TESTS_FAILED
    )


def test_a_feature_that_is_named_is_collected_whatever_it_speaks_of(
    pytester: pytest.Pytester, folder: Path
) -> None:
    (folder / "cucumbers.feature").write_text(FOREIGN)
    result = pytester.runpytest("-q", "cucumbers.feature")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*there is no such sentence*"])


@pytest.mark.parametrize(("value", "passed"), [("all", 1), ("auto", 1), ("none", 0)])
def test_the_ini_file_may_say_otherwise(
    pytester: pytest.Pytester, folder: Path, value: str, passed: int
) -> None:
    (folder / "release.feature").write_text(SCENARIO)
    pytester.makeini(f"[pytest]\nfsm_features = {value}\n")
    pytester.runpytest("-q").assert_outcomes(passed=passed)


def test_what_a_glue_module_has_collected_stays_with_it(
    pytester: pytest.Pytester, folder: Path
) -> None:
    (folder / "release.feature").write_text(SCENARIO)
    (folder / "cucumbers.feature").write_text(FOREIGN)
    (folder / "test_glue.py").write_text(GLUE)
    result = pytester.runpytest("-v")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["test_glue.py::test_eating*", "test_glue.py::test_all_goes_well*"])


def test_steps_of_the_projects_own_may_be_used_and_come_first(
    pytester: pytest.Pytester, folder: Path
) -> None:
    (folder / "release.feature").write_text(SCENARIO + "    And I am happy\n    And nothing ran\n")
    (folder / "conftest.py").write_text(
        "from pytest_bdd import then\n"
        "@then('I am happy')\ndef happy(fsm_story): assert fsm_story.run.state == 'completed'\n"
        "@then('nothing ran')\ndef mine(): print('mine')\n"
    )
    pytester.runpytest("-q").assert_outcomes(passed=1)


def test_outlines_backgrounds_and_tags_are_those_of_pytest_bdd(
    pytester: pytest.Pytester, folder: Path
) -> None:
    (folder / "release.feature").write_text(
        """
        @nightly
        Feature: The release
          Background:
            Given the approved plan "release.yaml"

          @issue-12
          Scenario Outline: <step> fails
            Given the step "<step>" fails
            When somebody runs the plan
            Then the run is paused

            Examples:
              | step    |
              | build   |
              | test    |
              | publish |
        """
    )
    pytester.makeini("[pytest]\naddopts = --strict-markers\n")
    pytester.runpytest("-q", "-m", "nightly").assert_outcomes(passed=3)


def test_it_is_placed_where_the_scenario_stands(pytester: pytest.Pytester, folder: Path) -> None:
    (folder / "release.feature").write_text(SCENARIO)
    [item] = pytester.inline_run("--collect-only", "-q").getcalls("pytest_itemcollected")
    path, line, _ = item.item.reportinfo()
    assert (Path(path).name, line) == ("release.feature", 3)


def test_a_file_that_is_no_gherkin_is_told_with_its_line(
    pytester: pytest.Pytester, folder: Path
) -> None:
    (folder / "release.feature").write_text(
        "Feature: a\n  Scenario: b\n    Given c\n    Gibberish\n"
    )
    result = pytester.runpytest("-q")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["release.feature:4 *", "*Gibberish*"])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_a_feature_written_on_windows_is_read(pytester: pytest.Pytester, folder: Path) -> None:
    written = "\ufeff" + SCENARIO.strip().replace("\n", "\r\n")
    (folder / "release.feature").write_bytes(written.encode())
    pytester.runpytest("-q").assert_outcomes(passed=1)


def test_a_feature_in_another_encoding_is_told(pytester: pytest.Pytester, folder: Path) -> None:
    (folder / "release.feature").write_bytes("Feature: Über alles".encode("latin-1"))
    result = pytester.runpytest("-q")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["release.feature  cannot be read as UTF-8; save it in that *"])


def test_two_scenarios_of_one_name_are_refused_for_one_would_never_run(
    pytester: pytest.Pytester, folder: Path
) -> None:
    twice = SCENARIO + SCENARIO.split("\n\n", 1)[1]
    (folder / "release.feature").write_text(twice)
    result = pytester.runpytest("-q")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*two scenarios are called `All goes well`*"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Feature: a\n  Scenario: b\n    Gven c\n", "*:2  the scenario `b` says nothing*"),
        ("Feature: a\n", "*the feature has no scenario*"),
        ("", "*there is no feature in it*"),
    ],
)
def test_a_feature_that_says_nothing_is_refused(
    pytester: pytest.Pytester, folder: Path, text: str, message: str
) -> None:
    (folder / "release.feature").write_text(text)
    result = pytester.runpytest("-q")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([message])


def test_without_pytest_bdd_the_plugin_keeps_quiet_until_there_is_a_feature(
    pytester: pytest.Pytester, folder: Path
) -> None:
    pytester.makepyfile("def test_it(): ...")
    pytester.runpytest("-q", "-p", "no:pytest-bdd").assert_outcomes(passed=1)
    (folder / "release.feature").write_text(SCENARIO)
    result = pytester.runpytest("-q", "-p", "no:pytest-bdd")
    assert result.ret != 0
    assert "release.feature needs pytest-bdd: pip install 'fsm[bdd]'" in "\n".join(
        [*result.outlines, *result.errlines]
    )


def test_several_workers_share_the_scenarios(pytester: pytest.Pytester, folder: Path) -> None:
    (folder / "release.feature").write_text(SCENARIO)
    (folder / "other.feature").write_text(SCENARIO)
    pytester.runpytest("-q", "-n", "1").assert_outcomes(passed=2)


def test_where_there_is_no_feature_nothing_of_fsm_is_loaded_but_the_plugin(
    pytester: pytest.Pytester,
) -> None:
    pytester.makepyfile(
        """
        import sys

        def test_it():
            loaded = {name for name in sys.modules if name.split(".")[0] == "fsm"}
            assert loaded == {"fsm", "fsm.bdd", "fsm.bdd.plugin", "fsm.bdd.steps"}
        """
    )
    pytester.runpytest_subprocess("-q").assert_outcomes(passed=1)
