"""The person at the keyboard: looks at what a run left, and gives the one command that makes sense next.

Of a step whose end a shim saw, nothing is asked. Asked about an unknown one, this person looks at the
world: what the ledger says was done, was done (`--done`), and anything else may run again (`--rerun`).
While a rollback waits for them, they `mark`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fsm.run import Run

from .look import Look, pending
from .scenarios import Scenario

__all__ = ["Life", "next_life"]


@dataclass(frozen=True)
class Life:
    """The command that one process carries out, and its answers. `word` goes with `mark`.

    `is_approved`: a run that begins uses an approval that was recorded before.
    """

    kind: str
    rerun: tuple[str, ...] = ()
    done: tuple[str, ...] = ()
    step: str = ""
    word: str = ""
    is_approved: bool = False

    def __str__(self) -> str:
        answers = [f"--rerun {step}" for step in self.rerun] + [f"--done {s}" for s in self.done]
        return " ".join([self.kind, *answers, self.step, self.word]).strip()


def next_life(scenario: Scenario, seen: Look, *, asks_first: bool) -> Life | None:
    """The next command; None once the run has come to its goal.

    `asks_first`: resume without a word, and answer only what is then still asked.
    """
    if seen.run is None:
        if scenario.approves and not seen.approvals:
            return Life("approve")
        return Life("begin", is_approved=scenario.approves)
    match seen.state:
        case scenario.goal:
            return None
        case "completed":
            return Life("rollback")
        case "running" if asks_first:
            return Life("resume")
        case "running" | "paused":
            answers = dict(_answers(seen.run, seen))
            return Life(
                "resume",
                tuple(step for step, done in answers.items() if not done),
                tuple(step for step, done in answers.items() if done),
            )
        case "rolling_back" | "aborting":
            return Life("resume")
        case "needs_intervention":
            for step, done in _answers(seen.run, seen):
                return Life("mark", step=step, word="done" if done else "undone")
            return Life("rollback")
    raise AssertionError(f"the run is {seen.state}, not {scenario.goal}, and that is final")


def _answers(run: Run, seen: Look) -> Iterator[tuple[str, bool]]:
    """Of each step that only a person can settle: whether its last attempt did what it should."""
    running = pending(seen.events).running.items()
    flying = {step for step, attempt in running if (step, "run", attempt) not in seen.ends}
    for record in run.steps:
        unknown = record.id in flying or record.state == "interrupted"
        backwards = run.state == "needs_intervention" and record.undone_when_started
        if not unknown or backwards:
            continue
        if run.state == "needs_intervention" or not (record.step.idempotent or record.step.check):
            yield (
                record.id,
                any(effect[:3] == ("did", record.id, record.attempt) for effect in seen.effects),
            )
