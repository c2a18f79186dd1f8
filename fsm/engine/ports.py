"""What the engine asks of the world: each port belongs to the engine and says what it guarantees."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

from fsm.values import Value

if TYPE_CHECKING:
    from pydantic import JsonValue

    from fsm.engine.checkpoint import Checkpoint
    from fsm.engine.journal import Record
    from fsm.engine.site import Site
    from fsm.errors import Problem
    from fsm.run.events import Event

__all__ = [
    "FINAL_STATES",
    "KEPT_CHECKPOINTS",
    "Action",
    "Approval",
    "Aspect",
    "Failed",
    "Inspection",
    "Journal",
    "Outcome",
    "RunSummary",
    "Store",
    "StoredRun",
    "Succeeded",
    "Task",
    "World",
]

FINAL_STATES = frozenset({"completed", "failed", "rolled_back"})
"""The final states of the plan table: a run in any other is unfinished."""

KEPT_CHECKPOINTS = 10
"""How many checkpoints a store keeps of a run, the newest ones; the journal leads to every other state."""

Purpose = Literal["run", "rollback", "check", "dry_run"]


class Task(Value):
    """One attempt of one call, with every template rendered: all that an action may know.

    `env` is the whole environment of a process, the `FSM_…` names included. `cwd`, `log` and `outputs` are
    absolute paths: `log` is the file that takes the output and `outputs` the file a process may write
    outputs to; neither exists yet, and their folder is made by the action when it needs it. `secrets` are
    the values to mask. `grace_seconds` is the time between asking a process tree to end and killing it.
    `is_first` says of a dry run that no step before it changes anything: what is missing now will be missing.
    `on_process` takes the identity of the attempt's process if it lasts: pid, start in clock ticks since
    boot, and what names that boot.
    """

    run_id: str
    step_id: str
    attempt: int
    purpose: Purpose
    action: str
    params: Mapping[str, JsonValue]
    env: Mapping[str, str]
    cwd: str
    log: str
    outputs: str
    secrets: Sequence[bytes] = ()
    grace_seconds: float = 5.0
    is_first: bool = False
    on_process: Callable[[int, int, str], None] = lambda *_: None


class Succeeded(Value):
    """The action did what it was asked. `outputs` and `tail` (its last output) are masked.

    `seconds` is given where the caller's clock cannot tell how long it took. `on_recorded` is called once the
    outcome is durable: until then, what `Action.recollect` needs to give it again is kept.
    """

    outputs: Mapping[str, JsonValue] = field(default_factory=dict)
    tail: str = ""
    seconds: float | None = None
    on_recorded: Callable[[], None] | None = field(default=None, compare=False)


class Failed(Value):
    """The action is known to have failed. `error` is one line; `exit_code` is negative for a signal."""

    error: str
    exit_code: int | None = None
    tail: str = ""
    seconds: float | None = None
    on_recorded: Callable[[], None] | None = field(default=None, compare=False)


Outcome = Succeeded | Failed

Aspect = Literal["inputs", "permissions", "targets"]
"""What an inspection looks at: whether the parameters are of use; whether it may and can be done from here
(commands, environment, access); and whether that is there which it is done to (files, hosts, issues)."""

Inspection: TypeAlias = "Mapping[Aspect, Sequence[Problem]]"
"""The aspects that were looked at, each with what is wrong there; one that is absent was not looked at."""


class Action(Protocol):
    """What a step does: the actions of one skill. One object serves many calls at a time."""

    async def inspect(
        self,
        action: str,
        params: Mapping[str, JsonValue],
        cwd: Path,
        env: Mapping[str, str],
        secrets: Sequence[bytes],
    ) -> Inspection:
        """What would keep this call from working, found without any effect: a missing command …

        Within `params`, `{"$template": …}` stands for a value that depends on outputs yet to come. The
        values of `secrets` are masked in what it says. Nothing is raised for what the outside world does.
        """

    async def perform(self, task: Task) -> Outcome:
        """Do it once. What the outside world does is never raised: that is `Failed`.

        Cancelled, it ends all that it began, kindly first and by force after `task.grace_seconds`, and
        only then lets the cancellation through; cancelled again, by force at once.
        """

    def recollect(self, task: Task) -> Outcome | None:  # noqa: ARG002 - of the port
        """How this very attempt ended, whose runner died before it could record that; `None` if unknown.

        Nothing of the attempt is at work any more. The outcome's `seconds` tell how long it took.
        """
        return None

    def recorded(self) -> None:
        """Every outcome that `perform` gave is durably recorded: none has to be recollected."""

    def close(self) -> None:
        """Free what the calls have shared; nothing is in flight. May be called again."""


class Approval(Value):
    """A person's recorded consent to one digest, at `at` seconds since the epoch; serves one run."""

    digest: str
    by: str
    at: float
    how: str


class RunSummary(Value):
    """What a store's index says of a run; `state` is the plan machine's. Times since the epoch."""

    run_id: str
    plan_id: str
    plan_name: str
    digest: str
    state: str
    created_at: float
    updated_at: float


class StoredRun(Value):
    """What a store holds of a run: the resolved plan's document, and the journal, verified.

    With a `checkpoint`, `records` are those after it. `warnings` name the checkpoints that were set aside.
    """

    summary: RunSummary
    document: bytes
    records: Sequence[Record]
    checkpoint: Checkpoint | None = None
    warnings: Sequence[str] = ()


class Journal(Protocol):
    """The right to write one run's journal: held by one process, and gone with it.

    `seq` and `hash` are of the last record that was acknowledged: the head of the chain.
    """

    run_id: str
    epoch: int
    seq: int
    hash: str

    def append(self, events: Sequence[Event], *, at: float, state: str) -> None:
        """Write the events, all or none; durable when it returns (I21). `state` goes into the index.

        Raises `Conflict` if the journal is not where this writer left it or a newer epoch exists (I20),
        and `StateUnavailable` if the store cannot write. Then none of the events is recorded, unless the
        message says that this is not known (the commit itself failed); this journal takes no more.
        """

    def keep(self, checkpoint: bytes) -> None:
        """Keep this snapshot of the state after the last record (`fsm.engine.checkpoint.encode`).

        It is a shortcut and never the truth: the newest `KEPT_CHECKPOINTS` are kept, and one that cannot be
        written raises `StateUnavailable` while the journal goes on taking events.
        """

    def forget_checkpoints(self) -> None:
        """Remove the run's checkpoints, the damaged ones too. Raises `StateUnavailable`."""

    def close(self) -> None:
        """Let the run go. May be called again."""


class Store(Protocol):
    """Where runs, their journals and approvals live. Every method may raise `StateUnavailable`."""

    def create(
        self,
        summary: RunSummary,
        document: bytes,
        events: Sequence[Event],
        *,
        approval: Approval | None = None,
        alongside: bool = False,
    ) -> Journal:
        """A new run with its first events, held by the caller; one durable write, all or none.

        `approval` (one that `approvals` listed) is used up by the same write: `Refused` if another run
        used it meanwhile, if it was never recorded, or if it is of another digest. `Refused` too if the
        plan has an unfinished run, unless `alongside`, and if the run id is unsafe or taken. The digest of
        `document` is `summary.digest`, else `ValueError`.
        """

    def acquire(self, run_id: str) -> Journal:
        """Take the run's exclusive lock: a writer after its last record, in a new epoch.

        Raises `Held` while a living process has it; a dead process cannot hold it.
        """

    def load(self, run_id: str, *, from_checkpoint: bool = False) -> StoredRun:
        """The run as it stands; needs no lock. Raises `Damaged` if a record or the plan is not as written.

        `from_checkpoint` begins at the newest checkpoint that is as it was written and belongs to this
        journal, and reads and verifies only the records after it; without one, the whole journal. Raises
        `Refused` if there is no such run.
        """

    def checkpoints(self, run_id: str) -> Sequence[Checkpoint]:
        """The run's checkpoints that are as they were written, oldest first. `Refused` without such a run."""

    def adopt(self, stored: StoredRun, *, alongside: bool = False) -> None:
        """Take a run over from another store, its whole journal verified and left as it is; durable.

        `Refused` if its id is taken, or if its plan has an unfinished run here, unless `alongside`;
        `Damaged` if a record or the plan is not as it was written.
        """

    def remove(self, run_id: str, *, damaged: bool = False) -> None:
        """Forget a run: its journal, its checkpoints, and its plan if no other run has it.

        Raises `Held` while a living process has it, and `Refused` if it is not there, or unfinished and not
        `damaged`: a run whose journal cannot be trusted never ends. `Damaged` if nothing names it any more.
        """

    def holder(self, run_id: str) -> int | None:
        """The pid of the process that holds the run, 0 if it cannot be told, `None` if it is free."""

    def runs(self) -> Sequence[RunSummary]:
        """Every run, newest first."""

    def approve(self, approval: Approval) -> None:
        """Record an approval; durable when it returns."""

    def approvals(self, digest: str) -> Sequence[Approval]:
        """The approvals of this digest that no run has used, oldest first."""

    def close(self) -> None:
        """Free what the store holds open. Journals of it are closed first by their owners."""


class World(Value):
    """All that the executor takes from outside: actions by skill, the site, time and chance.

    `grace_seconds` is how long a stop lets what is in flight end by itself. `now` gives seconds since the
    epoch, `chance` a number in [0, 1): its middle, if nobody says. `observe` is told every event once it is
    durable, and when it was written; `warn` what went wrong without harm. `tail` gives the last lines of a
    log. `prove` reads what was not read of the journal when the run was taken up from a checkpoint; it raises
    `StateUnavailable`.
    """

    actions: Mapping[str, Action]
    site: Site
    grace_seconds: float = 10.0
    now: Callable[[], float] = time.time
    chance: Callable[[], float] = lambda: 0.5
    observe: Callable[[Event, float], None] = lambda *_: None
    warn: Callable[[str], None] = lambda _: None
    tail: Callable[[str], str] = lambda _: ""
    prove: Callable[[], object] = lambda: None
