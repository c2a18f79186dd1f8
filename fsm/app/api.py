"""Running plans from Python: the same engine, store and rules as the commands.

The functions without `async` in their name block until the run rests. They may be called within a running
event loop, too, which waits meanwhile: the run then has a thread and a loop of its own.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from fsm.app.recovery import checkpoint_of, run_after
from fsm.app.session import Observer, Session, begin, check, take_up
from fsm.app.workspace import Workspace, whoami
from fsm.engine.ports import Approval
from fsm.engine.preflight import Findings, preflight
from fsm.errors import Invalid, Refused
from fsm.run import events as on

if TYPE_CHECKING:
    from fsm.engine.ports import Action
    from fsm.plan.model import Plan
    from fsm.run import Run

__all__ = ["execute", "execute_async", "recover", "recover_async"]

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class _Wish:
    """How a run is to be made, apart from its plan."""

    approve: str = ""
    how: str = "api"
    state: str | None = None
    actions: Mapping[str, Action] = field(default_factory=dict)
    observe: Observer | None = None
    alongside: bool = False

    def workspace(self) -> Workspace:
        return _workspace(self.state, self.actions)


def execute(
    plan: Plan,
    *,
    approve: str = "",
    state: str | None = None,
    actions: Mapping[str, Action] | None = None,
    observe: Observer | None = None,
    alongside: bool = False,
    how: str = "api",
) -> Run:
    """Run a plan until it rests: `run.state` says how, `run.record("step")` what came of a step.

    `approve` is the caller's consent: the digest of exactly this plan; without it an unused one that `fsm
    approve` recorded is used up. `state` is a store as in `--state` (`FSM_STATE`, or `.fsm` here). `actions`
    are skills of the caller's own, `observe` is told each fact once it is durable. Ctrl-C pauses the run.

    Raises `Refused` without consent, or if a run of the plan is unfinished and not `alongside`; `Invalid`
    with all that preflight found; `StateUnavailable` if the journal cannot be written.
    """
    wish = _Wish(
        approve=approve, how=how, state=state, actions=actions or {}, observe=observe,
        alongside=alongside,
    )  # fmt: skip
    return _outside_of_loops(lambda drive: _execute(plan, wish, drive))


async def execute_async(
    plan: Plan,
    *,
    approve: str = "",
    state: str | None = None,
    actions: Mapping[str, Action] | None = None,
    observe: Observer | None = None,
    alongside: bool = False,
    how: str = "api",
) -> Run:
    """As `execute`, on the caller's event loop; if cancelled, it ends what is in flight: unknown then."""
    wish = _Wish(
        approve=approve, how=how, state=state, actions=actions or {}, observe=observe,
        alongside=alongside,
    )  # fmt: skip
    workspace = wish.workspace()
    approval, recorded = _consent(workspace, plan, wish)
    site = workspace.site("preflight", plan, workspace.cwd)
    findings = await preflight(site, workspace.actions_of(plan))
    with _begun(workspace, plan, wish, findings, approval, recorded) as session:
        return await session.executor.drive()


def recover(
    run_id: str,
    *,
    checkpoint: int | str | None = None,
    state: str | None = None,
    actions: Mapping[str, Action] | None = None,
    observe: Observer | None = None,
) -> Run:
    """Take a run up after a crash or a failure and carry it on, as `fsm recover` does.

    Raises `Refused` where the tables refuse, `Held` while another process has it, `Invalid` for an unknown
    run.
    """
    return _outside_of_loops(
        lambda drive: _recover(
            _workspace(state, actions or {}), run_id, checkpoint, observe or _unseen, drive
        )
    )


async def recover_async(
    run_id: str,
    *,
    checkpoint: int | str | None = None,
    state: str | None = None,
    actions: Mapping[str, Action] | None = None,
    observe: Observer | None = None,
) -> Run:
    """As `recover`, on the caller's event loop."""
    workspace = _workspace(state, actions or {})
    with _taken_up(workspace, run_id, checkpoint, observe or _unseen) as session:
        return await session.executor.drive()


def _execute(plan: Plan, wish: _Wish, drive: Callable[[Session], Run]) -> Run:
    workspace = wish.workspace()
    approval, recorded = _consent(workspace, plan, wish)
    findings = check(workspace, plan)
    with _begun(workspace, plan, wish, findings, approval, recorded) as session:
        return drive(session)


def _begun(
    workspace: Workspace,
    plan: Plan,
    wish: _Wish,
    findings: Findings,
    approval: Approval,
    recorded: bool,
) -> AbstractContextManager[Session]:
    if findings.problems:
        raise Invalid(findings.problems, "nothing was started")
    return begin(
        workspace,
        plan,
        path="",
        approval=approval,
        recorded=recorded,
        findings=findings,
        alongside=wish.alongside,
        observe=wish.observe or _unseen,
    )


def _consent(workspace: Workspace, plan: Plan, wish: _Wish) -> tuple[Approval, bool]:
    if wish.approve == plan.digest:
        return Approval(plan.digest, whoami(), time.time(), wish.how), False
    if wish.approve:
        raise Refused(f"the digest of plan {plan.id} is {plan.digest}, not {wish.approve}")
    if recorded := workspace.store.approvals(plan.digest):
        return recorded[0], True
    raise Refused(
        f"plan {plan.id} is not approved (digest {plan.digest[:12]}…)",
        "give execute() your consent as approve=plan.digest, or record one with: fsm approve",
    )


def _recover(
    workspace: Workspace,
    run_id: str,
    checkpoint: int | str | None,
    observe: Observer,
    drive: Callable[[Session], Run],
) -> Run:
    with _taken_up(workspace, run_id, checkpoint, observe) as session:
        return drive(session)


@contextmanager
def _taken_up(
    workspace: Workspace, run_id: str, checkpoint: int | str | None, observe: Observer
) -> Iterator[Session]:
    """The run, held and resumed, from a checkpoint if one is given."""
    run_id = workspace.find(run_id).run_id
    store = workspace.store
    chosen = None if checkpoint is None else checkpoint_of(store, run_id, checkpoint)
    with take_up(workspace, run_id, observe) as session:
        session.require_environment()
        again = () if chosen is None else tuple(run_after(store, run_id, chosen.seq))
        if session.has_ended:
            pass  # the last step of a dead runner was all that was missing
        elif session.found not in {"rolling_back", "aborting"}:
            digest = session.run.plan.digest
            session.request(on.RunResumed(digest, by=session.person, from_steps=again))
        elif again:
            raise Refused(f"run {run_id} is {session.found}: no step goes forward any more")
        yield session


def _workspace(state: str | None, actions: Mapping[str, Action]) -> Workspace:
    here = Workspace.here(state)
    return Workspace(here.cwd, here.state_url, more_actions=actions)


def _unseen(run: Run, event: on.Event, at: float) -> None:
    """Nobody looks."""


def _outside_of_loops(work: Callable[[Callable[[Session], Run]], T]) -> T:
    """Do the work where it may have an event loop of its own: here, or in a thread if this one has a loop."""
    if not _has_a_loop():
        main = threading.current_thread() is threading.main_thread()
        return work(Session.drive if main else _drive_without_signals)
    outcome: list[T] = []
    raised: list[BaseException] = []

    def carry() -> None:
        try:
            outcome.append(work(_drive_without_signals))
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=carry, name="fsm-run")
    thread.start()
    thread.join()
    if raised:
        raise raised[0]
    return outcome[0]


def _has_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _drive_without_signals(session: Session) -> Run:
    return asyncio.run(session.executor.drive())
