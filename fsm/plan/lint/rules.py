"""The rules: what each asks for, why, where that comes from, and how a plan keeps it.

Each has two examples beside this file, `examples/NAME.breaks.yaml` and `examples/NAME.keeps.yaml`, which
tests hold to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final, Literal

from fsm.plan.lint import looks
from fsm.plan.lint.looks import Place, Subject
from fsm.values import Value

__all__ = ["RULES", "Rule", "example"]


class Rule(Value):
    """`look` tells the places in a plan that break it, each with what is wrong there; `hint` is the way out.

    `phases` says that it holds for a specification of phases (S3), too, which has fewer keys.
    """

    name: str
    what: str
    why: str
    source: str
    hint: str
    look: Callable[[Subject], Iterator[Place]]
    phases: bool = False


_RULES = (
    Rule(
        "phases",
        "A plan of more than 12 steps marks where its phases begin: `checkpoint: true` on their first steps.",
        "In one long list nobody sees what belongs together, nor to where one could go back.",
        "S2, checklist: Workflow broken into clear phases",
        "say `checkpoint: true` where a phase begins: `fsm recover --checkpoint` can go back to there",
        looks.phases,
    ),
    Rule(
        "entry-criteria",
        "A plan says what must be true before it changes anything: by a `read_only` step that comes first, a "
        "`dry_run`, or a variable of `env` without a value, which must be set.",
        "What could have been known before is cheaper than what must be rolled back.",
        "S2, checklist: Each phase has entry/exit criteria",
        "begin with a `read_only: true` step that looks, or give a step a `dry_run`",
        looks.entry_criteria,
    ),
    Rule(
        "exit-criteria",
        "Of each step that changes something it can be seen whether it did: by its own `check`, or by a "
        "`read_only` step that depends on it.",
        "That a command ended with 0 says that it ended, not that its effect is there.",
        "S2, checklist: Each phase has entry/exit criteria",
        "give it a `check`, or have a `read_only: true` step depend on it",
        looks.exit_criteria,
    ),
    Rule(
        "names",
        "In a plan of more than three steps each step has a `name` for people.",
        "Progress, reports and alerts tell steps by their names; an id is for other steps.",
        "S2, checklist: Progress tracked with status symbols",
        "give it a `name`, such as `name: Build the archive`",
        looks.names,
    ),
    Rule(
        "contingency",
        "Each step that changes something says how it is undone, and one that changes nothing says that.",
        "A rollback passes over what has no `rollback`: it stays done.",
        "S2, checklist: Contingency plans defined",
        "give it a `rollback`, or say `read_only: true`",
        looks.contingency,
    ),
    Rule(
        "deliverables",
        "The plan, and each step with which a phase begins, has a `description` of what comes of it.",
        "Who approves a plan consents to what it produces, not to its commands alone.",
        "S2, checklist: Deliverables specified for each phase",
        "give it a `description`",
        looks.deliverables,
    ),
    Rule(
        "recovery",
        "Each step that changes something is `idempotent: true`, or has a `check`.",
        "After a crash in mid-step nobody knows whether it was done: then a person must decide.",
        "S2, checklist: Recovery strategy known before starting",
        "say `idempotent: true` if it may simply run again, or give it a `check`",
        looks.recovery,
    ),
    Rule(
        "error-handling",
        "A plan with several steps that change something spells out its `error_handling`.",
        "Whether to roll back, to retry or to ask is decided before the failure, not in its midst.",
        "S2, Error Handling: Know when to rollback vs. retry vs. escalate",
        "write `error_handling`, even if it says what holds by default",
        looks.error_handling,
    ),
    Rule(
        "retry-safe",
        "A step is tried again only if it is `idempotent: true` or `read_only: true`.",
        "A failed attempt may have done half of its work: the next one does it twice.",
        "S2, Error Handling: Retry if failure was due to correctable issue",
        "say `idempotent: true` if that is so, else leave `retry` out",
        looks.retry_safe,
    ),
    Rule(
        "retry-network",
        "A step that goes over the network and may run twice is tried more than once.",
        "A connection that breaks is the failure that the next attempt mends.",
        "S2, Error Handling: Retry if failure was due to correctable issue",
        "give it a `retry`, such as `retry: {attempts: 3, delay: 2s}`",
        looks.retry_network,
    ),
    Rule(
        "timeout",
        "Each step and each rollback has a `timeout`.",
        "A command that hangs is neither done nor failed, and nobody is told.",
        "S2, Visible Progress: Track progress explicitly so status is always clear",
        "give it a `timeout` that is long enough on a bad day",
        looks.timeout,
    ),
    Rule(
        "order",
        "In a plan of several steps each waits for another, or is waited for.",
        "What stands alone runs when it was declared, and with `--parallel` at any time.",
        "S2, Workflow Patterns: Sequential if each step depends on the previous step's output",
        "say by `depends_on` what it waits for, or what waits for it",
        looks.order,
        phases=True,
    ),
    Rule(
        "parallel",
        "A plan with `parallel` has steps that can run at once.",
        "Where each step waits for the one before, `parallel` promises what cannot be.",
        "S2, Workflow Patterns: Parallel if tasks are independent and can run concurrently",
        "leave `parallel` out, or take out a `depends_on` that is not needed",
        looks.parallel,
    ),
)

RULES: Final[Mapping[str, Rule]] = {rule.name: rule for rule in _RULES}
"""Every rule by its name, in the order of S2's checklist."""


def example(rule: str, kind: Literal["breaks", "keeps"]) -> Path:
    """The file of a plan that breaks the rule, or keeps it."""
    return Path(__file__).parent / "examples" / f"{rule}.{kind}.yaml"
