"""What past runs tell in numbers: of one run, and of many. Pure: facts with their times go in.

A `Meter` watches the fold of a journal, so that every number rests on states that the tables led to, and
agrees with what `fsm status` says of the same run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import floor
from typing import TYPE_CHECKING

from fsm.run import events as on

if TYPE_CHECKING:
    from fsm.run.run import Run

__all__ = [
    "CommonError",
    "Meter",
    "RunMetrics",
    "Statistics",
    "StepMetrics",
    "StepStatistics",
    "percentile",
    "summarize",
]

ENDED = frozenset({"completed", "failed", "rolled_back"})


@dataclass(slots=True)
class StepMetrics:
    """One step in one run, or in several.

    `attempts` are its launches, `retries` those of them that no person asked for: after a failure with
    attempts left, or of an interrupted step that may simply run again. `failures` are the attempts known to
    have failed. `seconds` are the durations of those that completed. `errors` counts what failed
    attempts said, those of the compensation after `rollback: `.
    """

    attempts: int = 0
    retries: int = 0
    failures: int = 0
    seconds: list[float] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class RunMetrics:
    """One run: who began it, when (seconds since the epoch), and when its last record was written.

    `troubled`: it left the way to completion at least once (failed, paused, was given up or interrupted), or
    its rollback did not end well. `cause` is the fact that brought it where it rests, `None` if it
    completed or goes on. `failure` is the last fact that ended a step badly. `steps` has those that were
    begun or failed, in execution order.
    """

    run: Run
    by: str
    started_at: float
    ended_at: float
    resumes: int
    troubled: bool
    cause: on.Event | None
    failure: on.StepFailed | on.UndoFailed | None
    steps: Mapping[str, StepMetrics]

    @property
    def seconds(self) -> float:
        """From the first record to the last, pauses included; 0 if the clock went back."""
        return max(0.0, self.ended_at - self.started_at)

    @property
    def retries(self) -> int:
        return sum(step.retries for step in self.steps.values())

    def count(self, *states: str) -> int:
        """How many steps are in one of these states."""
        return sum(record.state in states for record in self.run.steps)

    @property
    def cancelled(self) -> int:
        """How many of the failed ones did not fail by themselves, but were ended."""
        return sum(record.state == "failed" and record.cancelled for record in self.run.steps)


class Meter:
    """Watches one run: `observe` is called after each fact was applied."""

    def __init__(self) -> None:
        self._state = "pending"
        self._by = ""
        self._started_at: float | None = None
        self._ended_at = 0.0
        self._resumes = 0
        self._troubled = False
        self._cause: on.Event | None = None
        self._failure: on.StepFailed | on.UndoFailed | None = None
        self._steps: dict[str, StepMetrics] = {}

    def observe(self, run: Run, at: float, event: on.Event) -> None:
        """Take note of a fact, written at `at`; `run` has applied it."""
        self._started_at = at if self._started_at is None else self._started_at
        self._ended_at = at
        match event:
            case on.RunCreated(by=by):
                self._by = by
            case on.RunResumed():
                self._resumes += 1
            case on.RunnerLost():
                self._troubled = True
            case on.StepStarted(step=step):
                metrics = self._step(step)
                metrics.attempts += 1
                metrics.retries += run.record(step).tries > 1
            case on.StepCompleted(step=step, seconds=seconds):
                self._step(step).seconds.append(seconds)
            case on.StepFailed(step=step, error=error):
                metrics = self._step(step)
                metrics.failures += 1
                metrics.errors[error] += 1
                self._failure = event
            case on.UndoFailed(step=step, error=error):
                self._step(step).errors[f"rollback: {error}"] += 1
                self._failure = event
        if run.state != self._state:
            self._moved(self._state, run.state, event)
            self._state = run.state

    def metrics(self, run: Run) -> RunMetrics:
        """What was observed of that run."""
        return RunMetrics(
            run=run,
            by=self._by,
            started_at=self._started_at or 0.0,
            ended_at=self._ended_at,
            resumes=self._resumes,
            troubled=self._troubled,
            cause=self._cause,
            failure=self._failure,
            steps={r.id: self._steps[r.id] for r in run.steps if r.id in self._steps},
        )

    def _step(self, step: str) -> StepMetrics:
        return self._steps.setdefault(step, StepMetrics())

    def _moved(self, source: str, dest: str, event: on.Event) -> None:
        if (source == "running" and dest != "completed") or dest == "needs_intervention":
            self._troubled = True
        if dest in {"running", "completed"}:
            self._cause = None
        elif (source, dest) not in {("aborting", "failed"), ("rolling_back", "rolled_back")}:
            self._cause = event


@dataclass(frozen=True, slots=True)
class CommonError:
    """The most frequent error, and how often; of equally frequent ones the first in the alphabet."""

    error: str
    times: int
    plan: str = ""
    step: str = ""


@dataclass(frozen=True, slots=True)
class StepStatistics:
    """One step over many runs; the durations in seconds are of completed attempts, `None` if none did."""

    plan: str
    step: str
    attempts: int
    retries: int
    failures: int
    median_seconds: float | None
    p95_seconds: float | None
    error: CommonError | None


@dataclass(frozen=True, slots=True)
class Statistics:
    """Many runs. `states` counts them by the state they are in.

    Rates are over the runs that ended (completed, failed or rolled back), `None` if none did: `succeeded` of
    `ended` completed; of the `troubled` ones among them `recovered` completed (S3, "Recovery Success":
    successful recoveries / failures). `steps` come plan by plan, in the execution order of the first run.
    """

    states: Mapping[str, int]
    ended: int
    succeeded: int
    troubled: int
    recovered: int
    steps: Sequence[StepStatistics]
    error: CommonError | None

    @property
    def runs(self) -> int:
        return sum(self.states.values())

    @property
    def success_rate(self) -> float | None:
        return self.succeeded / self.ended if self.ended else None

    @property
    def recovery_rate(self) -> float | None:
        return self.recovered / self.troubled if self.troubled else None


def summarize(runs: Iterable[RunMetrics]) -> Statistics:
    """The statistics of these runs, which are read once."""
    states: Counter[str] = Counter()
    steps: dict[str, dict[str, StepMetrics]] = {}
    troubled = recovered = 0
    for metrics in runs:
        state = metrics.run.state
        states[state] += 1
        if state in ENDED and metrics.troubled:
            troubled += 1
            recovered += state == "completed"
        of_plan = steps.setdefault(metrics.run.plan.id, {})
        for step, found in metrics.steps.items():
            _add(of_plan.setdefault(step, StepMetrics()), found)
    rows = [(plan, step, m) for plan, of_plan in steps.items() for step, m in of_plan.items()]
    errors = [e for plan, step, m in rows if (e := _commonest(m.errors, plan, step))]
    return Statistics(
        states=states,
        ended=sum(states[state] for state in ENDED),
        succeeded=states["completed"],
        troubled=troubled,
        recovered=recovered,
        steps=[_step_statistics(*row) for row in rows],
        error=min(errors, key=lambda e: (-e.times, e.plan, e.step), default=None),
    )


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` (0 to 1) of the sorted `values`, one or more, lie.

    Between two of them it is interpolated linearly, the smallest being 0 and the largest 1: definition 7 of
    Hyndman and Fan (1996), the default of NumPy and R and `inclusive` in Python's `statistics`.
    """
    place = (len(values) - 1) * share
    below = floor(place)
    above = min(below + 1, len(values) - 1)
    return values[below] + (values[above] - values[below]) * (place - below)


def _add(total: StepMetrics, found: StepMetrics) -> None:
    total.attempts += found.attempts
    total.retries += found.retries
    total.failures += found.failures
    total.seconds += found.seconds
    total.errors.update(found.errors)


def _step_statistics(plan: str, step: str, metrics: StepMetrics) -> StepStatistics:
    seconds = sorted(metrics.seconds)
    return StepStatistics(
        plan=plan,
        step=step,
        attempts=metrics.attempts,
        retries=metrics.retries,
        failures=metrics.failures,
        median_seconds=percentile(seconds, 0.5) if seconds else None,
        p95_seconds=percentile(seconds, 0.95) if seconds else None,
        error=_commonest(metrics.errors, plan, step),
    )


def _commonest(errors: Mapping[str, int], plan: str, step: str) -> CommonError | None:
    if not errors:
        return None
    error, times = min(errors.items(), key=lambda item: (-item[1], item[0]))
    return CommonError(error, times, plan, step)
