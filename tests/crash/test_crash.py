"""The sample of crash injection; `python -m tests.crash --full` is the whole (see `__main__.py`)."""

from __future__ import annotations

from typing import Any

import pytest

from .sample import BACK_OFF, BETWEEN_WRITES, COMMANDS, CONTROLS, RECOVERY, TORN, UNENDED


@pytest.mark.parametrize("case", BETWEEN_WRITES)
def test_a_kill_between_two_durable_writes_loses_and_repeats_nothing(case: str, told: Any) -> None:
    told(case).is_sound()


@pytest.mark.parametrize("case", TORN)
def test_half_a_write_is_as_good_as_none(case: str, told: Any) -> None:
    verdict = told(case)
    verdict.is_sound()
    assert verdict.torn == 1


@pytest.mark.parametrize("case", RECOVERY)
def test_recovery_may_be_killed_over_and_over(case: str, told: Any) -> None:
    told(case).is_sound()


@pytest.mark.parametrize("case", BACK_OFF)
def test_a_kill_in_back_off_neither_loses_nor_adds_an_attempt(case: str, told: Any) -> None:
    told(case).is_sound()


@pytest.mark.parametrize("case", COMMANDS)
def test_the_real_command_takes_up_what_a_killed_command_left(case: str, told: Any) -> None:
    told(case).is_sound()


@pytest.mark.parametrize("case", ["forward: begin append:noting -1", "forward: begin rested 1"])
def test_a_kill_after_the_last_step_runs_no_step_again(case: str, told: Any) -> None:
    verdict = told(case)
    verdict.is_sound()
    assert [life.partition(",")[0] for life in verdict.lives] == ["begin", "resume"]


def test_a_kill_between_the_failure_and_the_rollback_rolls_back(told: Any) -> None:
    """The failure is record 14, the first compensation's start is record 15; one write takes both."""
    for point in ("append:noting 7", "append:done 7", "observed 14"):
        verdict = told(f"backward: begin {point}")
        verdict.is_sound()
        assert verdict.lives == [f"begin, begin {point}: died", "resume"]


@pytest.mark.parametrize("point", ["approve approve:done 1", "begin create:COMMIT 1"])
def test_an_approval_outlives_the_kill_of_whoever_would_use_it(point: str, told: Any) -> None:
    verdict = told(f"paused: {point}")
    verdict.is_sound()
    assert [life.partition(",")[0] for life in verdict.lives].count("approve") == 1


@pytest.mark.parametrize("case", UNENDED)
def test_resume_is_never_refused_where_status_offers_it(case: str, told: Any) -> None:
    told(case).is_sound()


@pytest.mark.parametrize("control", CONTROLS)
def test_an_engine_that_is_broken_on_purpose_is_caught(control: str, told: Any) -> None:
    case, blamed = CONTROLS[control]
    told(case).is_sound()
    verdict = told(case, control)
    assert verdict.killed == 1
    assert blamed in {problem.partition(":")[0].split()[0] for problem in verdict.problems}, verdict


def test_a_kill_that_nobody_comes_to_is_not_counted(told: Any) -> None:
    verdict = told("forward: begin append:COMMIT 99")
    assert verdict.missed == "begin append:COMMIT 99"
    assert not verdict.killed
    assert not verdict.problems
