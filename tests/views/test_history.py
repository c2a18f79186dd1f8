"""The tables of past runs: whole texts, and that nothing is wider than a terminal."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fsm.engine.ports import RunSummary
from fsm.engine.retention import Kept
from fsm.plan.model import Call, Plan, Step
from fsm.run import events as on
from fsm.run.endings import CRASHES, FAILS, Ending, script
from fsm.run.metrics import CommonError, RunMetrics, Statistics, StepStatistics, summarize
from fsm.run.simulate import Simulator, simulate
from fsm.views.cells import cells
from fsm.views.history import (
    ending,
    history_json,
    history_text,
    statistics_json,
    statistics_text,
)
from fsm.views.prune import kept_text, removed_text
from tests.run.measured import measure

AT = 1_790_000_000.0


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def metrics_of(plan_of: Callable[..., Plan]) -> Callable[..., RunMetrics]:
    """The metrics of a simulated run of two steps, each fact `apart` seconds after the one before."""
    of = plan_of(
        {"id": "build", "rollback": {"call": _call()}, "retry": {"attempts": 2}},
        {"id": "deploy", "depends_on": ["build"], "rollback": {"call": _call()}},
    )

    def build(
        endings: dict[str, Any], *requests: on.Event, run_id: str = "", apart: float = 1.0
    ) -> RunMetrics:
        sim = simulate(of, script(endings))
        for request in requests:
            sim.request(request)
            sim.run_until_rest()
        facts = [(AT + n * apart, event) for n, event in enumerate(sim.journal)]
        return replace(measure(of, facts, run_id or "20260921-133320-k3f9"), by="ann@host")

    return build


def _call() -> dict[str, Any]:
    return {"skill": "shell", "action": "run", "params": {"command": "true"}}


ROLLBACK = on.RollbackRequested("ann@host", "wrong")


def test_a_history_has_two_lines_a_run(metrics_of: Any) -> None:
    runs = [
        metrics_of({}, run_id="20260921-133323-d2d2"),
        metrics_of({"build": [FAILS, Ending()], "deploy": FAILS}, run_id="20260921-133322-c2c2"),
        metrics_of({"deploy": FAILS, "build@rollback": FAILS}, ROLLBACK, apart=3000),
    ]
    held = dict.fromkeys([run.run.run_id for run in runs], False)
    assert history_text(runs, held) == (
        "RUN                   STATE               STARTED           TOOK   ✓  ✗  ↶  ↻\n"
        "20260921-133323-d2d2  completed           2026-09-21 14:13  7s     2  0  0  0\n"
        "  by ann@host\n"
        "20260921-133322-c2c2  paused              2026-09-21 14:13  9s     1  1  0  1\n"
        "  by ann@host; step `deploy` failed: exit code 1\n"
        "20260921-133320-k3f9  needs_intervention  2026-09-21 14:13  8h20m  0  2  0  0\n"
        "  by ann@host; the rollback of `build` failed: exit code 1\n"
        "  ✓ steps done  ✗ failed  ↶ undone  ↻ retries"
    )


@pytest.mark.parametrize(
    ("endings", "requests", "told"),
    [
        ({}, [], ""),
        ({}, [ROLLBACK], "asked by ann@host: wrong"),
        ({"deploy": FAILS}, [on.RunAborted("bob@host")], "given up by bob@host"),
        ({"deploy": FAILS}, [on.RunAborted()], "given up by somebody"),
        ({"deploy": Ending("failed", error="a\nb")}, [], "step `deploy` failed: a\\nb"),
        ({"build": CRASHES}, [], "its process died"),
    ],
)
def test_the_ending_says_what_brought_the_run_where_it_rests(
    metrics_of: Any, endings: Any, requests: Any, told: str
) -> None:
    assert ending(metrics_of(endings, *requests), held=False) == told


@pytest.mark.parametrize(
    ("held", "told"), [(True, "a process drives it"), (False, "its process died")]
)
def test_a_run_under_way_has_a_process_or_had_one(plan_of: Any, held: bool, told: str) -> None:
    sim = simulate(plan_of({"id": "build"}))
    started = [(AT, event) for event in sim.journal[:5]]
    assert isinstance(started[-1][1], on.StepStarted)
    assert ending(measure(sim.plan, started), held) == told


def test_a_resumed_run_says_how_often(metrics_of: Any, plan_of: Any) -> None:
    first = metrics_of({})
    sim = simulate(first.run.plan, script({"deploy": [FAILS, Ending()]}))
    sim.request(on.RunResumed(sim.plan.digest))
    sim.run_until_rest()
    found = measure(sim.plan, [(AT, event) for event in sim.journal])
    assert ending(found, False) == "after 1 resume"
    assert history_json(found, False)["resumes"] == 1


def test_a_wait_that_leads_nowhere_names_the_failure(plan_of: Any) -> None:
    of = plan_of(
        {"id": "build"},
        {"id": "deploy", "depends_on": ["build"]},
        error_handling={"single_failure": "continue"},
    )
    sim = simulate(of, script({"build": FAILS}))
    found = measure(of, [(AT, event) for event in sim.journal])
    assert (found.run.state, "step `build` failed: exit code 1" in ending(found, False)) == (
        "paused",
        True,
    )


def test_statistics_are_rates_and_a_table_of_steps(metrics_of: Any) -> None:
    slow = Ending(seconds=90.0)
    runs = [
        metrics_of({"build": slow}),
        metrics_of({"build": [FAILS, Ending()], "deploy": FAILS}, ROLLBACK),
        metrics_of({"deploy": FAILS}),
    ]
    assert statistics_text(summarize(runs)) == (
        "3 runs: 1 completed, 1 paused, 1 rolled back\n"
        "\n"
        "  success    50%   1 completed of 2 ended\n"
        "  recovery    0%   0 completed of 1 failed, paused or interrupted\n"
        "\n"
        "  most frequent error (2 times): deploy: exit code 1\n"
        "\n"
        "STEP    ATTEMPTS  RETRIES  FAILURES  MEDIAN    95%  MOST FREQUENT ERROR\n"
        "build          4        1         1      1s  1m21s  exit code 1\n"
        "deploy         3        0         2      1s     1s  exit code 1"
    )


def test_statistics_of_several_plans_name_them(metrics_of: Any, plan_of: Any) -> None:
    other = plan_of({"id": "only"})
    sim = simulate(other, script({"only": FAILS}))
    runs = [metrics_of({}), measure(other, [(AT, event) for event in sim.journal])]
    assert "most frequent error (1 time): p, only: exit code 1" in statistics_text(
        summarize([replace(runs[0], run=_renamed(runs[0].run)), runs[1]])
    )
    text = statistics_text(summarize([replace(runs[0], run=_renamed(runs[0].run)), runs[1]]))
    assert "\nother:\nSTEP" in text
    assert "\np:\nSTEP" in text


def _renamed(run: Any) -> Any:
    run.plan = replace(run.plan, id="other")
    return run


def test_without_an_ended_run_there_are_no_rates(metrics_of: Any) -> None:
    view = summarize([metrics_of({"deploy": FAILS})])
    assert "success      –   0 completed of 0 ended" in statistics_text(view)
    told = statistics_json(view)
    assert (told["success_rate"], told["recovery_rate"]) == (None, None)


texts = st.text(max_size=90)
numbers = st.integers(0, 99_999)
STATES = (
    *("pending", "running", "paused", "aborting", "rolling_back"),
    *("needs_intervention", "completed", "failed", "rolled_back"),
)


@settings(deadline=None)
@given(st.lists(st.builds(lambda *row: row, texts, texts, numbers, numbers), max_size=5))
def test_no_line_of_the_statistics_is_wider_than_a_terminal(rows: list[Any]) -> None:
    steps = [
        StepStatistics(
            "p", step, n, m, n, 8_500_000.0, 8_600_000.0, CommonError(error, n, "p", step)
        )
        for step, error, n, m in rows
    ]
    error = steps[0].error if steps else None
    states = dict.fromkeys(STATES, 99_999)
    view = Statistics(states, 99_999, 99_999, 99_999, 99_999, steps, error)
    assert all(cells(line) <= 80 for line in statistics_text(view).split("\n"))


LARGE = Plan(
    id="p",
    name="p",
    steps=tuple(
        Step(id=f"s{n}", name="s", call=Call(skill="shell", action="run", params={}))
        for n in range(10_000)
    ),
)


@settings(deadline=None, max_examples=8)
@given(texts, texts, st.floats(0, 99 * 86_400 / 6), st.sampled_from(STATES))
def test_no_line_of_a_history_is_wider_than_a_terminal(
    by: str, error: str, apart: float, state: str
) -> None:
    sim = Simulator(LARGE, script({"s0": Ending("failed", error=error)}))
    sim.begin()
    sim.run_until_rest()
    facts = [(AT + n * apart, event) for n, event in enumerate(sim.journal)]
    found = replace(measure(LARGE, facts, "20260921-133320-k3f9"), by=by)
    found.run.state = state
    for record in found.run.steps:
        record.state = "completed"
    text = history_text([found], {found.run.run_id: True})
    assert " 10000 " in text
    assert all(cells(line) <= 80 for line in text.split("\n"))


def test_what_was_kept_is_told_by_reason_and_of_many_some() -> None:
    def run(n: int) -> RunSummary:
        return RunSummary(f"20260921-13332{n}-k3f9", "p", "p", "d", "completed", AT, AT)

    kept = [Kept(run(n), "ended within 30d") for n in range(7)] + [Kept(run(8), "unfinished")]
    assert kept_text(kept) == (
        "kept 8 runs:\n"
        "  ended within 30d: 20260921-133320-k3f9, 20260921-133321-k3f9,\n"
        "    20260921-133322-k3f9, 20260921-133323-k3f9, 20260921-133324-k3f9 and 2 more\n"
        "  unfinished: 20260921-133328-k3f9"
    )
    assert removed_text("✓ removed", [run(1)]) == (
        "✓ removed 1 run with their logs:\n"
        "  20260921-133321-k3f9  completed    2026-09-21 14:13:20  p"
    )
