"""The sample of crash injection; `python -m tests.crash --full` is the whole (see `__main__.py`)."""

from __future__ import annotations

from statistics import median
from typing import Any

import pytest

from .backends import BACKENDS
from .sample import CASES, CONTROLS
from .traced import can_trace


@pytest.mark.parametrize("case", [case for store in BACKENDS for case in CASES[store]])
def test_a_kill_at_any_point_loses_and_repeats_nothing(case: str, told: Any) -> None:
    verdict = told(case)
    verdict.is_sound()
    assert verdict.torn == case.count(":torn")
    assert verdict.failed == case.count("fail:")


@pytest.mark.parametrize("store", BACKENDS)
def test_a_kill_after_the_last_step_runs_no_step_again(store: str, told: Any) -> None:
    verdict = told(f"forward@{store}: begin append:noting -1")
    verdict.is_sound()
    assert [life.partition(",")[0] for life in verdict.lives] == ["begin", "resume"]


@pytest.mark.parametrize("store", BACKENDS)
def test_a_kill_between_the_failure_and_the_rollback_rolls_back(store: str, told: Any) -> None:
    """The failure is record 14, the first compensation's start is record 15; one write takes both."""
    for point in ("append:noting 7", "observed 14"):
        verdict = told(f"backward@{store}: begin {point}")
        verdict.is_sound()
        assert verdict.lives == [f"begin, begin {point}: died", "resume"]


@pytest.mark.parametrize("store", BACKENDS)
def test_an_approval_outlives_the_kill_of_who_recorded_it(store: str, told: Any) -> None:
    verdict = told(f"paused@{store}: approve approve:done 1")
    verdict.is_sound()
    assert [life.partition(",")[0] for life in verdict.lives].count("approve") == 1


@pytest.mark.parametrize(
    ("store", "control"), [(store, control) for store in BACKENDS for control in CONTROLS[store]]
)
def test_an_engine_that_is_broken_on_purpose_is_caught(store: str, control: str, told: Any) -> None:
    case, blamed = CONTROLS[store][control]
    told(case).is_sound()
    verdict = told(case, control)
    assert verdict.killed + verdict.torn + verdict.failed == 1
    assert blamed in {problem.partition(":")[0].split()[0] for problem in verdict.problems}, verdict


def test_a_kill_that_nobody_comes_to_is_not_counted(told: Any) -> None:
    verdict = told("forward@json: begin append:fsync 99")
    assert verdict.missed == "begin append:fsync 99"
    assert not verdict.killed
    assert not verdict.problems


def test_a_system_call_that_nobody_comes_to_is_not_counted(told: Any) -> None:
    """Without `strace` neither is it, and then it shows."""
    verdict = told("commands@json: begin call:fsync 99")
    assert not verdict.killed
    assert bool(verdict.problems) != can_trace()
    assert bool(verdict.missed) == can_trace()


@pytest.mark.parametrize("store", BACKENDS)
def test_of_two_that_race_for_a_run_one_gets_it(store: str, raced: Any) -> None:
    """Every other time from a dead runner: that is no matter of waiting, and costs what a free run costs."""
    races = raced(store, 30)
    assert not races["problems"]
    assert (races["raced"], races["killed"]) == (30, 15)
    assert median(races["after_death"]) < 10 * median(races["after_release"])


@pytest.mark.parametrize("store", BACKENDS)
def test_a_store_that_locks_nobody_out_is_caught(store: str, raced: Any) -> None:
    (problem, *_) = raced(store, 30, broken=True)["problems"]
    assert problem.startswith(("F48", "I20"))
