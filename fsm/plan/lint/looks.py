"""Where a plan breaks a rule: one function for each, over the plan and what its author typed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from fsm.document import Path
from fsm.plan.graph import layers
from fsm.plan.model import Plan, Step
from fsm.plan.network import over_the_network

__all__ = [
    "Place",
    "Subject",
    "contingency",
    "deliverables",
    "entry_criteria",
    "error_handling",
    "exit_criteria",
    "names",
    "order",
    "parallel",
    "phases",
    "recovery",
    "retry_network",
    "retry_safe",
    "timeout",
]

Place = tuple[Path, str]
"""Where in the document, and what is wrong there."""

_PLAN: Path = ("plan",)
_LONG = 12
_FEW = 3


@dataclass(frozen=True, slots=True)
class Subject:
    """A plan, and what its author typed: `typed` under `plan:`, and each step by its id with its path."""

    plan: Plan
    typed: Mapping[str, object]
    paths: Mapping[str, Path]
    steps: Mapping[str, Mapping[str, object]]

    def place(self, step: Step, message: str, key: str = "") -> Place:
        """The step, or its `key`."""
        path = self.paths.get(step.id, ())
        return (*path, key) if key else path, f"step `{step.id}` {message}"

    @property
    def changing(self) -> list[Step]:
        """The steps that may change something."""
        return [step for step in self.plan.steps if not step.read_only]


def phases(subject: Subject) -> Iterator[Place]:
    """More than twelve steps, and no boundary."""
    steps = subject.plan.steps
    if len(steps) > _LONG and not any(step.checkpoint for step in steps):
        yield (
            (*_PLAN, "steps"),
            f"{len(steps)} steps stand in one list, and nothing says where a phase begins",
        )


def entry_criteria(subject: Subject) -> Iterator[Place]:
    """Nothing is looked at before something is changed."""
    plan = subject.plan
    looks = plan.steps[0].read_only or any(step.dry_run for step in plan.steps)
    if not looks and not plan.required_env and not any(step.required_env for step in plan.steps):
        yield _PLAN, "the plan does not say what must be true before it begins"


def exit_criteria(subject: Subject) -> Iterator[Place]:
    """Steps whose effect nobody looks at."""
    looked_at: set[str] = set()
    for step in reversed(subject.plan.steps):
        if step.read_only or step.id in looked_at:
            looked_at.update(step.depends_on)
    for step in subject.changing:
        if step.check is None and step.id not in looked_at:
            yield subject.place(
                step, "has no `check`, and no `read_only` step looks at what it did"
            )


def names(subject: Subject) -> Iterator[Place]:
    """Steps without a name."""
    if len(subject.plan.steps) > _FEW:
        for step in subject.plan.steps:
            if "name" not in subject.steps.get(step.id, {}):
                yield subject.place(step, "has no `name`")


def contingency(subject: Subject) -> Iterator[Place]:
    """Steps that cannot be undone."""
    for step in subject.plan.steps:
        if step.irreversible:
            yield subject.place(step, "has no `rollback`: what it does stays done")


def deliverables(subject: Subject) -> Iterator[Place]:
    """A plan, or a phase, that does not say what comes of it."""
    if not subject.plan.description:
        yield _PLAN, "the plan has no `description`"
    for step in subject.plan.steps:
        if step.checkpoint and not step.description:
            yield subject.place(step, "begins a phase, and has no `description`")


def recovery(subject: Subject) -> Iterator[Place]:
    """Steps of which nobody knows, after a crash, whether they were done."""
    for step in subject.changing:
        if not step.idempotent and step.check is None:
            yield subject.place(step, "is not `idempotent`, and has no `check`")


def error_handling(subject: Subject) -> Iterator[Place]:
    """Several steps to undo, and no word on when."""
    spelled = {"error_handling", "errorHandling"} & subject.typed.keys()
    if len(subject.changing) > 1 and not spelled:
        yield _PLAN, "the plan does not say what happens when a step fails"


def retry_safe(subject: Subject) -> Iterator[Place]:
    """Steps that are tried again although their first attempt may have had an effect."""
    for step in subject.changing:
        if step.retry.attempts > 1 and not step.idempotent:
            tried = f"is tried up to {step.retry.attempts} times, and is not `idempotent`"
            yield subject.place(step, tried, "retry")


def retry_network(subject: Subject) -> Iterator[Place]:
    """Steps that one broken connection fails."""
    for step in subject.plan.steps:
        host = over_the_network(subject.plan, step.call)
        if host and step.retry.attempts == 1 and (step.idempotent or step.read_only):
            yield subject.place(step, f"goes over the network ({host}), and is tried only once")


def timeout(subject: Subject) -> Iterator[Place]:
    """Steps and rollbacks that may hang for ever."""
    for step in subject.plan.steps:
        if step.timeout_seconds is None:
            yield subject.place(step, "has no `timeout`")
        if step.rollback is not None and step.rollback.timeout_seconds is None:
            yield subject.place(step, "has no `timeout` for its rollback", "rollback")


def order(subject: Subject) -> Iterator[Place]:
    """Steps that nothing connects with the others."""
    steps = subject.plan.steps
    waited_for = {name for step in steps for name in step.depends_on}
    for step in steps if len(steps) > 1 else ():
        if not step.depends_on and step.id not in waited_for:
            yield subject.place(step, "waits for no step, and none waits for it")


def parallel(subject: Subject) -> Iterator[Place]:
    """Up to so many at once, in a chain."""
    plan = subject.plan
    needs = {step.id: step.depends_on for step in plan.steps}
    widest = max(map(len, layers([step.id for step in plan.steps], needs)))
    if plan.parallel > 1 and widest == 1:
        at = (*_PLAN, "parallel") if "parallel" in subject.typed else _PLAN
        yield at, f"up to {plan.parallel} steps may run at once, but each waits for the one before"
