"""What validation found: all that is wrong, and step by step what was looked at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from fsm.engine.ports import Aspect
from fsm.errors import Problem
from fsm.values import Value

if TYPE_CHECKING:
    from fsm.plan.model import Plan, Step

__all__ = ["DryRun", "Fault", "Findings", "Noted", "StepFindings"]

DryRun = Literal["ok", "failed", "none", "needs_outputs", "not_made"]
"""What came of a step's dry run. It was not made if its inputs are outputs yet to come (`needs_outputs`), or
if something is wrong with the step or before it."""

_MOST_NAMED = 5


class Fault(Value):
    """One thing that is wrong, with all `steps` it is wrong of: none if it is of the plan as a whole.

    `what` is the call of theirs that it is about: "" for the step's own, `rollback`, `check`, `dry_run`.
    `place` is file, line and column of the first of these steps, or of that call; `("", 0, 0)` if unknown.
    """

    message: str
    hint: str
    aspect: Aspect | Literal["dry_run"]
    what: str = ""
    steps: Sequence[str] = ()
    place: tuple[str, int, int] = ("", 0, 0)

    @property
    def problem(self) -> Problem:
        """The same for people, in one line that names the steps."""
        if not self.steps:
            return Problem(self.message, self.hint)
        named = ", ".join(f"`{step}`" for step in self.steps[:_MOST_NAMED])
        more = len(self.steps) - _MOST_NAMED
        where = f"{'step' if len(self.steps) == 1 else 'steps'} {named}"
        where += f" and {more} more" if more > 0 else ""
        where += f", {self.what}" if self.what else ""
        path, line, column = self.place
        message = f"{where}: {self.message}"
        return Problem(message, self.hint, path=path, line=line, column=column)


class StepFindings(Value):
    """What was looked at of one step: each aspect, and whether it is well.

    `needs` are the steps whose outputs its dry run needs, which therefore was not made.
    """

    step: str
    aspects: Mapping[Aspect, bool]
    dry_run: DryRun = "none"
    needs: Sequence[str] = ()

    @property
    def is_well(self) -> bool:
        """Whether nothing of what was looked at is wrong."""
        return self.dry_run != "failed" and all(self.aspects.values())


class Findings(Value):
    """How many checks were made, what is wrong, and the steps in the order of the plan.

    There are no `steps` if the plan itself may not be looked at: the value of a secret stands in it.
    """

    checks: int
    faults: Sequence[Fault] = ()
    steps: Sequence[StepFindings] = ()

    @cached_property
    def problems(self) -> Sequence[Problem]:
        """What is wrong, for people."""
        return [fault.problem for fault in self.faults]


class Noted:
    """Gathers what is wrong with a plan. The same thing of several steps is one fault that names them."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._steps: dict[tuple[str, str, Aspect | Literal["dry_run"], str], dict[str, None]] = {}

    def note(
        self,
        problems: Iterable[Problem],
        aspect: Aspect | Literal["dry_run"],
        step: Step | None = None,
        what: str = "",
    ) -> None:
        """Note these problems of the step, or of the plan as a whole."""
        for problem in problems:
            steps = self._steps.setdefault((problem.message, problem.hint, aspect, what), {})
            if step is not None:
                steps[step.id] = None

    @property
    def is_of_the_plan(self) -> bool:
        """Whether anything is wrong with the plan as a whole."""
        return any(not steps for steps in self._steps.values())

    @property
    def faults(self) -> Sequence[Fault]:
        """All that was noted, in the order of the plan."""
        if not any(self._steps.values()):
            return [Fault(*key) for key in self._steps]
        from fsm.plan import find_steps

        place = find_steps(self._plan)
        return [
            Fault(*key, tuple(steps), place(next(iter(steps)), key[-1])) if steps else Fault(*key)
            for key, steps in self._steps.items()
        ]
