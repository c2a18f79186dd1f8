"""The pure simulator: a run driven in virtual time by scripted endings; nothing is really done.

It treats commands exactly as the local executor does: outcomes first, then intents, all of it in the
journal before anything is launched, skips and rejections applied at once and the run asked again. So what
is proved here of a plan, by a Gherkin scenario or by exploring, holds for the run that acts. (Conditions
are evaluated; the templates of calls are not rendered, for nothing is called.)

    sim = simulate(plan, script({"build": [FAILS, SUCCEEDS], "deploy@rollback": FAILS}))
    assert sim.run.state == "paused"
    sim.request(RunResumed(plan.digest))
    sim.run_until_rest()
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from fsm.errors import FsmError
from fsm.run import commands as do
from fsm.run import events as on
from fsm.run.endings import SUCCEEDS, Chooser, Ending, Purpose, script
from fsm.run.run import Run

if TYPE_CHECKING:
    from fsm.plan.model import Plan, Retry

__all__ = ["CHANCE", "Launch", "Simulator", "simulate"]

CHANCE = 0.5
"""Where between the least and the most a retry with jitter waits, unless something else is said."""


@dataclass(frozen=True, slots=True)
class Launch:
    """One thing that was launched, at `at`, when `durable` events of the journal were written."""

    step: str
    attempt: int
    purpose: Purpose
    at: float
    durable: int


_all_succeed = script({})


def simulate(plan: Plan, chooser: Chooser = _all_succeed, *, now: float = 0.0) -> Simulator:
    """A new run of the plan: approved, validated, started, and driven until it rests."""
    simulator = Simulator(plan, chooser, now=now)
    simulator.begin()
    simulator.run_until_rest()
    return simulator


@dataclass(slots=True)
class _Flight:
    launch: Launch
    ending: Ending
    due: float
    cancelled: str = ""


class Simulator:
    """A run, its journal, a clock that jumps, and what is in flight.

    `journal` may be given to take up an old run; `now` is in seconds since the epoch; `chance` in [0, 1)
    spreads the retries that have jitter. `launches` is all that was ever launched here, in order.
    """

    def __init__(
        self,
        plan: Plan,
        chooser: Chooser = _all_succeed,
        *,
        run_id: str = "simulated",
        journal: Iterable[on.Event] = (),
        now: float = 0.0,
        chance: float = CHANCE,
    ) -> None:
        self.plan = plan
        self.journal: list[on.Event] = list(journal)
        self.run = Run.fold(plan, self.journal, run_id)
        self.now = now
        self.launches: list[Launch] = []
        self._chooser = chooser
        self._chance = chance
        self._intended: dict[str, Launch] = {}
        self._flights: dict[str, _Flight] = {}
        self._sleeps_until: float | None = None
        self._stop_reason = ""

    @property
    def in_flight(self) -> Mapping[str, Launch]:
        """What has been launched and has not ended, checks included, by its step's id."""
        return {step: flight.launch for step, flight in self._flights.items()}

    def begin(self) -> None:
        """Create, approve, validate and start the run."""
        digest = self.plan.digest
        self.request(on.RunCreated(digest))
        self.request(on.RunApproved(digest, by="simulator", how="yes", approved_at=self.now))
        self.request(on.RunValidated(digest))
        self.request(on.RunStarted())

    def request(self, event: on.Event) -> None:
        """Apply a fact and write it down, now: a person's word, as a rule. The next turn follows at once.

        Raises `TransitionRefused`, with nothing changed, if no row admits it.
        """
        self.run.apply(event)
        self.journal.append(event)
        self._sleeps_until = None

    def crash(self) -> None:
        """The runner dies here and now; another one reads the journal and takes the run up.

        Only the journal survives. Between two turns is the only place where a journal can tell a crash.
        """
        self._flights.clear()
        self._intended.clear()
        self._sleeps_until = None
        self._stop_reason = ""
        self.run = Run.fold(self.plan, self.journal, self.run.run_id)
        if self.run.needs_recovery:
            self.request(on.RunnerLost(by="simulator"))

    def stop(self, reason: str, grace_seconds: float = 10.0) -> None:
        """Start nothing more until the run rests; what takes longer than the grace period is ended then."""
        self._stop_reason = reason
        self._sleeps_until = None
        for flight in self._flights.values():
            if flight.due > self.now + grace_seconds and not flight.cancelled:
                flight.due, flight.cancelled = self.now + grace_seconds, reason

    def step(self) -> bool:
        """One turn of the executor's loop; whether another one is to follow.

        First the clock is moved to the moment that the last turn left nothing to do before. False when
        the run rests and nothing is in flight, or when the runner has died. Raises `FsmError` if the run
        is in motion but nothing is left to wait for (I18).
        """
        if self._sleeps_until is not None:
            self.now = max(self.now, self._sleeps_until)
        if not self._take_endings():
            return False
        if self._stop_reason and self.run.state in {"running", "rolling_back"}:
            self.request(on.RunPaused(by="signal", reason=self._stop_reason))
        look_again = self._decide()
        self._launch()
        if not self._flights and not self.run.is_moving:
            self._stop_reason = ""
            return False
        moments = [flight.due for flight in self._flights.values()]
        if look_again is not None:
            moments.append(look_again)
        if not moments:
            raise FsmError(f"the run is {self.run.state}, but nothing is left to wait for")
        self._sleeps_until = min(moments)
        return True

    def run_until_rest(self, turns: int = 1_000_000) -> Run:
        """Step until there is no turn to follow. Raises `FsmError` if that takes more than `turns`."""
        for _ in range(turns):
            if not self.step():
                return self.run
        raise FsmError(f"after {turns} turns the run is still {self.run.state}")

    # One turn, as the executor takes it.

    def _take_endings(self) -> bool:
        due = [flight for flight in self._flights.values() if flight.due <= self.now]
        # What ends as the runner dies is not written down any more.
        for flight in sorted(due, key=lambda flight: (flight.due, flight.ending.how != "crashed")):
            if flight.ending.how == "crashed" and not flight.cancelled:
                self.crash()
                return False
            del self._flights[flight.launch.step]
            self.request(self._outcome(flight))
        return True

    def _decide(self) -> float | None:
        while True:
            look_again = None
            for command in self.run.commands(self.now):
                match command:
                    case do.StartStep(step, attempt):
                        self.request(on.StepStarted(step, attempt))
                        self._intend(step, attempt, "run")
                    case do.UndoStep(step, attempt):
                        self.request(on.UndoStarted(step, attempt))
                        self._intend(step, attempt, "rollback")
                    case do.ProbeStep(step):
                        if step not in self._flights and step not in self._intended:
                            self._intend(step, self.run.record(step).attempt, "check")
                    case do.CancelStep(step):
                        reason = f"the run is {self.run.state.replace('_', ' ')}"
                        if step in self._intended:
                            never = _Flight(self._intended.pop(step), SUCCEEDS, self.now, reason)
                            self.request(self._outcome(never))
                            break
                        self._cancel(step, reason)
                    case do.Wait(until=until):
                        look_again = until
                    case do.SkipStep(step, reason):
                        self.request(on.StepSkipped(step, reason))
                        break
                    case do.RejectStep(step, error):
                        self.request(on.StepFailed(step, 0, error))
                        break
            else:
                return look_again

    def _intend(self, step: str, attempt: int, purpose: Purpose) -> None:
        self._intended[step] = Launch(step, attempt, purpose, self.now, len(self.journal))

    def _launch(self) -> None:
        for intended in self._intended.values():
            launch = replace(intended, durable=len(self.journal))
            assert launch.step not in self._flights, f"{launch.step} is in flight already"
            ending = self._chooser(launch.step, launch.attempt, launch.purpose)
            self.launches.append(launch)
            self._flights[launch.step] = _Flight(launch, ending, self.now + ending.seconds)
        self._intended.clear()

    def _cancel(self, step: str, reason: str) -> None:
        flight = self._flights.get(step)
        if flight is not None and not flight.cancelled:
            flight.due, flight.cancelled = self.now, reason

    def _outcome(self, flight: _Flight) -> on.Event:
        launch, ending, reason = flight.launch, flight.ending, flight.cancelled
        step, attempt, record = launch.step, launch.attempt, self.run.record(launch.step)
        if launch.purpose == "check":
            if reason:
                return on.StepProbed(step, "unknown", f"its check was cancelled: {reason}")
            return _probed(step, ending)
        if launch.purpose == "run":
            if reason:
                return on.StepCancelled(step, attempt, reason)
            if ending.how == "succeeded":
                return on.StepCompleted(step, attempt, ending.seconds, ending.outputs or None)
            retry_at = self._retry_at(record.step.retry, record.tries)
            return on.StepFailed(
                step, attempt, ending.error, ending.seconds, ending.exit_code, "", retry_at
            )
        if reason:
            return on.UndoCancelled(step, attempt, reason)
        if ending.how == "succeeded":
            return on.UndoCompleted(step, attempt, ending.seconds)
        assert record.step.rollback is not None
        retry_at = self._retry_at(record.step.rollback.retry, record.undo_tries)
        return on.UndoFailed(
            step, attempt, ending.error, ending.seconds, ending.exit_code, "", retry_at
        )

    def _retry_at(self, retry: Retry, tries: int) -> float:
        if tries >= retry.attempts:
            return 0.0
        return round(self.now + retry.delay_after(tries, self._chance), 3)


def _probed(step: str, ending: Ending) -> on.Event:
    if ending.how == "succeeded":
        return on.StepProbed(step, "done")
    if ending.exit_code == 1:
        return on.StepProbed(step, "not_done")
    return on.StepProbed(step, "unknown", f"its check cannot tell: {ending.error}")
