"""The last line of a terminal: what is in flight, for how long, and what comes when; and the journal."""

from __future__ import annotations

import pytest

from fsm.cli.output import Output
from fsm.cli.progress import Progress
from fsm.plan.model import Call, Plan, Retry, Step
from fsm.run import Run
from fsm.run import events as on
from fsm.views.log import log_line

CALL = Call(skill="shell", action="run", params={"command": "true"})
BUILD = Step(id="build", name="build", call=CALL, retry=Retry(attempts=2, delay_seconds=30.0))
PLAN = Plan(id="small", name="small", steps=(BUILD, Step(id="ship", name="ship", call=CALL)))


def begun(plan: Plan) -> list[on.Event]:
    """As many steps as may be at once have started."""
    return [
        on.RunCreated(plan.digest),
        on.RunApproved(plan.digest, "ann", "--yes"),
        on.RunValidated(plan.digest),
        on.RunStarted(),
        *(on.StepStarted(step.id, 1) for step in plan.steps[: plan.parallel]),
    ]


class Screen:
    """A run's live line; `clock` is in seconds."""

    clock = 100.0

    def __init__(self, monkeypatch: pytest.MonkeyPatch, plan: Plan = PLAN) -> None:
        monkeypatch.setattr("fsm.cli.progress.time.monotonic", lambda: self.clock)
        self.run = Run(plan, "r1")
        self.progress = Progress(Output(json=False))
        self.tell(*begun(plan))

    def tell(self, *events: on.Event) -> None:
        for event in events:
            self.run.apply(event)
            self.progress.observe(self.run, event, at=1000.0 + self.clock)

    def after(self, seconds: float) -> str:
        self.clock += seconds
        return self.progress.line().plain[2:]  # after the spinner


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Screen:
    return Screen(monkeypatch)


def test_the_time_of_a_step_goes_on_when_its_process_becomes_known(screen: Screen) -> None:
    assert screen.after(1.6) == "build 1s   [0/2]"
    screen.tell(on.ProcessIdentified("build", 1, 4711, 900, "boot"))
    assert screen.after(1.0) == "build 2s   [0/2]"


def test_a_step_that_will_be_tried_again_says_when(screen: Screen) -> None:
    screen.tell(on.StepFailed("build", 1, "exit code 1", retry_at=1000.0 + screen.clock + 30))
    assert screen.after(10.0) == "build again in 20s   [0/2]"
    screen.tell(on.StepStarted("build", 2))
    assert screen.after(3.0) == "build 3s   [0/2]"


@pytest.mark.parametrize(
    ("seconds", "words"), [(90, " in 1m30s"), (2, " in 2s"), (1, ""), (0.2, "")]
)
def test_a_line_of_its_own_says_how_long_a_retry_is_waited_for(
    screen: Screen, seconds: float, words: str
) -> None:
    failed = on.StepFailed("build", 1, "exit code 1", retry_at=1000.0 + seconds)
    told = f"attempt 1 failed: exit code 1; to be tried again{words}"
    assert log_line(screen.run, 1000.0, failed).endswith(told)
    undo = on.UndoFailed("build", 1, "exit code 1", retry_at=1000.0 + seconds)
    assert log_line(screen.run, 1000.0, undo).endswith(f"rollback {told}")


def test_who_stopped_the_run_is_told_how_to_wait_no_longer(screen: Screen) -> None:
    screen.tell(on.RunPaused(reason="stopped by SIGINT"))
    assert screen.after(1.0) == "build 1s   [0/2]   ^C again ends it now"
    screen.tell(on.StepFailed("build", 1, "exit code 1", retry_at=1000.0 + screen.clock + 30))
    assert screen.after(1.0) == "", "nothing more is started"


@pytest.mark.parametrize(
    ("width", "told"),
    [
        (80, "構築 0 1s, 構築 1 1s, 構築 2 1s, 構築 3 1s and 2 more   [0/6]"),
        (59, "構築 0 1s, 構築 1 1s, 構築 2 1s and 3 more   [0/6]"),
        (36, "構築 0 1s and 5 more   [0/6]"),
        (32, "構築 0 1s and 5 more   [0/6]"),
        (28, "構築 0 1s and 5 more   [0/6]"),
    ],
)
def test_the_line_names_as_many_steps_as_fit_beside_the_count(
    monkeypatch: pytest.MonkeyPatch, width: int, told: str
) -> None:
    steps = tuple(Step(id=f"s{n}", name=f"構築 {n}", call=CALL) for n in range(6))
    wide = Screen(monkeypatch, Plan(id="wide", name="wide", steps=steps, parallel=6))
    wide.clock += 1
    line = wide.progress.line(width)
    assert line.plain[2:] == told
    assert line.cell_len <= max(width, 30)


def test_a_name_that_is_too_long_is_cut_before_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = (Step(id="long", name="long " * 30, call=CALL),)
    long = Screen(monkeypatch, Plan(id="long", name="long", steps=steps))
    assert long.progress.line(40).plain[2:] == "long long long long long l… 0s   [0/1]"


def test_the_journal_names_the_process_of_a_step_for_people(screen: Screen) -> None:
    identified = on.ProcessIdentified("build", 1, 4711, 900, "boot")
    assert log_line(screen.run, 1000.0, identified).endswith("  Step 1: build - is process 4711")
