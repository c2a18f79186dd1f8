"""Timelines: bars from the journal of a run, and from what earlier runs of a plan took."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fsm.plan.model import Plan
from fsm.run import Run
from fsm.run import events as on
from fsm.run.timeline import Timeline
from fsm.views.cells import cells
from fsm.views.drawings.chart import Bar, Chart, ChartRow, ChartSheet
from fsm.views.drawings.picture import paint, pure_painter
from fsm.views.drawings.timeline import plan_chart, run_chart

PlanOf = Callable[..., Plan]
UNDO = {"call": {"skill": "shell", "action": "run", "params": {"command": ["false"]}}}
SVG = "{http://www.w3.org/2000/svg}"


def watched(plan: Plan, facts: Sequence[tuple[float, on.Event]]) -> tuple[Run, Timeline]:
    run, timeline = Run(plan, "R"), Timeline()
    begun = [
        on.RunCreated(plan.digest),
        on.RunApproved(plan.digest, "ann", "yes"),
        on.RunValidated(plan.digest),
        on.RunStarted(),
    ]
    for at, event in [*((100.0, event) for event in begun), *facts]:
        run.apply(event)
        timeline.observe(run, at, event)
    timeline.finish()
    return run, timeline


@pytest.fixture
def story(plan_of: PlanOf) -> tuple[Run, Timeline]:
    """One step ends well, another fails twice; two hours later all is rolled back."""
    plan = plan_of({"rollback": UNDO}, {"retry": {"attempts": 2, "delay_seconds": 1}})
    return watched(
        plan,
        [
            (100.0, on.StepStarted("s1", 1)),
            (104.0, on.StepCompleted("s1", 1, 4.0)),
            (104.0, on.StepStarted("s2", 1)),
            (105.0, on.StepFailed("s2", 1, "exit code 1", retry_at=106.0)),
            (106.0, on.StepStarted("s2", 2)),
            (108.0, on.StepFailed("s2", 2, "exit code 1")),
            (7308.0, on.RollbackRequested("ann")),
            (7308.0, on.UndoStarted("s1", 1)),
            (7310.0, on.UndoCompleted("s1", 1, 2.0)),
        ],
    )


def test_each_attempt_is_a_bar_where_it_was_made(story: tuple[Run, Timeline]) -> None:
    rows = run_chart(*story).rows
    assert [(bar.start, bar.end, bar.word) for bar in rows[1].bars] == [
        (4.0, 5.0, "failed"),
        (6.0, 8.0, "failed"),
    ]
    assert [row.note for row in rows] == ["rolled back, 4s", "failed, 3s"]


def test_a_long_time_in_which_nothing_was_at_work_is_left_out_and_told(
    story: tuple[Run, Timeline],
) -> None:
    chart = run_chart(*story)
    [(place, text)] = chart.breaks
    assert (place, text) == (8.0, "2h idle")
    undone = chart.rows[0].bars[1]
    assert undone.word == "rollback completed"
    assert 8.0 < undone.start < 9.0
    assert undone.end - undone.start == pytest.approx(2.0)
    assert chart.length == pytest.approx(undone.end)


def test_what_is_at_work_reaches_to_the_last_record_and_what_died_to_the_last_before(
    plan_of: PlanOf,
) -> None:
    plan = plan_of({}, {}, parallel=2)
    begun = [(100.0, on.StepStarted("s1", 1)), (103.0, on.StepStarted("s2", 1))]
    run, timeline = watched(plan, begun)
    assert [bar.word for row in run_chart(run, timeline).rows for bar in row.bars] == [
        "running"
    ] * 2
    assert [attempt.seconds for attempt in timeline.attempts] == [3.0, 0.0]
    run, timeline = watched(plan, [*begun, (9000.0, on.RunnerLost("ann"))])
    assert [(a.outcome, a.end) for a in timeline.attempts] == [("interrupted", 103.0)] * 2


def test_a_plan_is_laid_out_as_it_would_run(plan_of: PlanOf) -> None:
    plan = plan_of({}, {}, {"depends_on": ["s1"]}, {"depends_on": ["s2", "s3"]}, parallel=2)
    chart = plan_chart(plan, {"s1": 1.0, "s2": 5.0, "s3": 2.0, "s4": 1.0})
    assert [(row.bars[0].start, row.bars[0].end) for row in chart.rows] == [
        (0.0, 1.0),
        (0.0, 5.0),
        (1.0, 3.0),
        (5.0, 6.0),
    ]
    assert [row.note for row in chart.rows] == [
        "about 1s",
        "about 5s, critical",
        "about 2s",
        "about 1s, critical",
    ]
    assert chart.subtitle == "at most 2 at once; about 6s by the median of earlier runs"


def test_what_nobody_knows_is_said(plan_of: PlanOf) -> None:
    chart = plan_chart(plan_of({}, {}), {})
    assert chart.subtitle == "one at a time; durations are unknown, each step counts alike"
    assert [row.note for row in chart.rows] == ["duration unknown"] * 2
    assert not chart.ticks
    assert plan_chart(plan_of({}, {}), {"s1": 3.0}).subtitle.endswith(", 1 step unknown")


def test_very_many_steps_share_rows(plan_of: PlanOf) -> None:
    chart = plan_chart(plan_of(*[{}] * 1001), {})
    assert len(chart.rows) <= 25
    assert sum(len(row.bars) for row in chart.rows) == 1001
    assert chart.rows[0].title == "steps 1-41"


def test_in_text_it_fits_the_width(story: tuple[Run, Timeline]) -> None:
    text = ChartSheet(run_chart(*story)).text(60)
    assert text.splitlines()[3:] == [
        "      0s     2s     4s     6s     8s     10s",
        "1 s1  ██████████████              ┊ ▚▚▚▚▚▚▚  rolled back, 4s",
        "2 s2                ▓▓▓▓   ▓▓▓▓▓▓▓┊          failed, 3s",
        "",
        "█ completed   ▚ rollback completed   ▓ failed   ┊ 2h idle left out",
    ]
    assert max(map(cells, text.splitlines()[4:6])) <= 60


def test_a_run_in_which_nothing_was_begun_has_a_chart(plan_of: PlanOf) -> None:
    sheet = ChartSheet(run_chart(*watched(plan_of({}, {}), [])))
    assert "no step was begun" in sheet.text(80)
    assert sheet.mermaid().count(":milestone") == 2
    assert paint(sheet.dot(), "svg", pure_painter()).startswith(b"<svg")


HOSTILE = st.one_of(
    st.text(max_size=30),
    st.text(alphabet="\"'`<>[](){}|#;&%\\/\n\r\t:-=~$@*_.!,\x1b eEnN", max_size=30),
    st.sampled_from(["<script>x</script>", "\\N", "x :crit, a, 0, 1", "section y", "\ud800"]),
)
GANTT = re.compile(
    r"---|title: \"(?:[^\"\\<>]|\\.)*\"|config: .*|gantt|  dateFormat [YMDHms:. S-]+|  axisFormat [%HMSL:.]+"
    r"|  section [^:;#<>]+|  [^:;#<>]+ :(?:done, |crit, |active, )?b\d+(?:, 2000-01-0\d [\d:.]{12}){2}"
)


@settings(max_examples=40, deadline=None)
@given(text=HOSTILE, other=HOSTILE)
def test_no_text_acts_in_a_chart(text: str, other: str) -> None:
    bar = Bar(0.0, 1.0, "good", other, text)
    chart = Chart(text, other, [ChartRow("x", text, (bar,), other, text)], 2.0, [(1.0, other)])
    root = ET.fromstring(paint(ChartSheet(chart).dot(), "svg", pure_painter()))
    tags = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert tags <= {"svg", "title", "style", "g", "text", "path", "polygon", "polyline"}
    for line in ChartSheet(chart).mermaid().removesuffix("\n").split("\n"):
        assert GANTT.fullmatch(line), line
    assert "\x1b" not in ChartSheet(chart).text(80)
