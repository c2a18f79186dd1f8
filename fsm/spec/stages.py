"""Where a story happens: rehearsed on the pure core in virtual time, or carried out by the executor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from fsm.run import events as on
from fsm.run.endings import Chooser, Ending, Purpose
from fsm.run.simulate import Simulator
from fsm.spec.endings import Unrendered
from fsm.views.progress import event_line

if TYPE_CHECKING:
    from fsm.plan.model import Plan
    from fsm.run import Run

__all__ = ["GRACE_SECONDS", "STOPPED", "Rehearsal", "Stage", "Tape"]

GRACE_SECONDS = 10.0
"""How long a run that somebody stops lets its steps end by themselves, as `fsm run` does."""

STOPPED = "stopped by SIGINT"


@dataclass
class Tape:
    """What a stage tells and is told: the facts in their order, the lines that a command prints of them.

    `endings` says how an attempt will end, `speaks_of` whether the specification says anything of it.
    `pauses` are the launches at which somebody stops the run, each once, attempt 0 being any; `stopped` and
    `died` say that the last command was stopped, or that its process died.
    """

    endings: Chooser
    speaks_of: Callable[[str, Purpose], bool] = lambda *_: True
    events: list[on.Event] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    pauses: set[tuple[str, Purpose, int]] = field(default_factory=set)
    stopped: bool = False
    died: bool = False

    def observe(self, run: Run, event: on.Event) -> None:
        """Keep a fact, and the line that tells of it."""
        self.events.append(event)
        if (line := event_line(run, event)) is not None:
            self.lines.append(line)

    def is_stopped_at(self, step: str, purpose: Purpose, attempt: int) -> bool:
        """Whether somebody stops the run at this launch, and it was not stopped before; asked once."""
        fitting = self.pauses & {(step, purpose, 0), (step, purpose, attempt)}
        if not fitting:
            return False
        self.pauses -= fitting
        again, self.stopped = self.stopped, True
        return not again


class Stage(Protocol):
    """One run, driven by commands until it rests each time."""

    @property
    def run(self) -> Run:
        """The run as it stands."""

    def begin(self, digest: str, by: str) -> None:
        """Run the plan, whose `digest` somebody approved. Raises `FsmError` if it may not run."""

    def ask(self, event: on.Event | None) -> None:
        """Record what a person asks, if anything, and carry the run on. Raises `TransitionRefused`."""

    def close(self) -> None:
        """Leave nothing behind."""


class Rehearsal:
    """A run on the pure core: nothing is really done, and waiting takes no time."""

    def __init__(self, plan: Plan, tape: Tape) -> None:
        self._tape = tape
        self._simulator = _Told(plan, tape)

    @property
    def run(self) -> Run:
        """See `Stage`."""
        return self._simulator.run

    def begin(self, digest: str, by: str) -> None:
        """See `Stage`."""
        simulator, plan = self._simulator, self._simulator.plan
        for event in (
            on.RunCreated(plan.digest, by),
            on.RunApproved(digest, by, "fsm approve", simulator.now),
            on.RunValidated(plan.digest),
            on.RunStarted(),
        ):
            simulator.request(event)
        self._drive()

    def ask(self, event: on.Event | None) -> None:
        """See `Stage`."""
        if event is not None:
            self._simulator.request(event)
        self._drive()

    def close(self) -> None:
        """See `Stage`."""

    def _drive(self) -> None:
        simulator, tape = self._simulator, self._tape
        is_stopping = False
        while simulator.step():
            if tape.stopped and not is_stopping:
                simulator.stop(STOPPED, GRACE_SECONDS)
                is_stopping = True


class _Told(Simulator):
    """A simulator that tells each fact as a command would print it."""

    def __init__(self, plan: Plan, tape: Tape) -> None:
        super().__init__(plan, self._launched)
        self._tape = tape

    def _launched(self, step: str, attempt: int, purpose: Purpose) -> Ending:
        ending = self._tape.endings(step, attempt, purpose)
        if not isinstance(ending, Unrendered):
            self._tape.is_stopped_at(step, purpose, attempt)
        return ending

    def request(self, event: on.Event) -> None:
        super().request(event)
        self._tape.observe(self.run, event)

    def crash(self) -> None:
        self._tape.died = True
        super().crash()


Opener = Callable[["Plan", Tape], Stage]
"""Makes the stage on which a plan is run."""
