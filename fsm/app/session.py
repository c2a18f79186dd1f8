"""Running things: begin a run, take one up again, and drive it with the signals handled."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from fsm.app.history import forget_outputs
from fsm.app.survivors import Survivors, settle_survivors
from fsm.app.workspace import Workspace, new_run_id, whoami
from fsm.engine.executor import Executor
from fsm.engine.ports import Approval, RunSummary, World
from fsm.engine.preflight import Findings, preflight, unset
from fsm.engine.recovery import Taken, open_run
from fsm.errors import Held, Invalid, Problem
from fsm.run import Run
from fsm.run import events as on

if TYPE_CHECKING:
    from fsm.engine.ports import Journal
    from fsm.plan.model import Plan

__all__ = ["Session", "begin", "changed_since", "check", "stop_holder", "take_up"]

Observer = Callable[[Run, on.Event, float], None]
"""Takes the run, a fact that is durable, and the moment that the journal gives it."""


@dataclass(eq=False, repr=False)
class Session:
    """One run, held by this process. `was_stopped` tells after `drive` that a signal ended it.

    `found` is the state the run was in when it was taken up, and how the attempts that a dead runner left in
    flight ended was recorded; `has_ended` says that thereby it ended itself. `taken` tells from which
    checkpoint it was taken up.
    """

    run: Run
    executor: Executor
    created: on.RunCreated
    person: str
    found: str
    was_stopped: bool = False
    has_ended: bool = False
    taken: Taken | None = None

    def request(self, event: on.Event) -> None:
        """Record what a person asks, durably with the next write. Raises `TransitionRefused`.

        The reason that they typed is masked (I22).
        """
        asks = on.RunResumed | on.RollbackRequested | on.RunAborted | on.StepMarked
        if isinstance(event, asks) and event.reason:
            from fsm.actions.output.masking import Masker

            masked = Masker(self.executor.site.secrets).mask(event.reason.encode(errors="replace"))
            event = replace(event, reason=masked.decode())
        self.executor.record(event)

    def require_environment(self) -> None:
        """Raises `Invalid` if the run's folder, or a secret or variable that the plan needs, is not here.

        In no other folder can its steps go on, or their rollbacks undo anything.
        """
        site = self.executor.site
        if not site.cwd.is_dir():
            gone = Problem(
                f"the folder in which run {self.run.run_id} works is not there: {site.cwd}"
            )
            raise Invalid([gone], "nothing was started; put it back, or mount it")
        if problems := unset(site):
            raise Invalid(problems, "nothing was started; set it as it was for the run")

    def commit(self) -> None:
        """Make what was requested durable, without carrying the run on."""
        self.executor.commit()

    def drive(self) -> Run:
        """Carry the run on until it rests. SIGINT, SIGTERM and SIGHUP stop it kindly, twice at once."""
        return asyncio.run(self._drive())

    async def _drive(self) -> Run:
        loop = asyncio.get_running_loop()

        def stop(name: str) -> None:
            self.was_stopped = True
            self.executor.stop(f"stopped by {name}")

        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, stop, number.name)
        return await self.executor.drive()


def check(workspace: Workspace, plan: Plan, *, alone: bool = False) -> Findings:
    """Validate the plan here: everything that can be found out before anything happens.

    If the process is `alone` in doing so, with no signals of its own, SIGTERM interrupts it as SIGINT does:
    no dry run is left at work. Raises `KeyboardInterrupt` then.
    """
    site = workspace.site("preflight", plan, workspace.cwd)

    async def interruptible() -> Findings:
        task = asyncio.current_task()
        if alone and task is not None:
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        return await preflight(site, workspace.actions_of(plan))

    try:
        return asyncio.run(interruptible())
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


@contextmanager
def begin(
    workspace: Workspace,
    plan: Plan,
    *,
    path: str,
    approval: Approval,
    recorded: bool,
    findings: Findings,
    alongside: bool,
    observe: Observer,
) -> Iterator[Session]:
    """A new, approved, validated and started run of the plan, held while the context lasts.

    `recorded` says that the approval was recorded before; this run uses it up. Raises `Refused` if another
    run has, or if the plan has an unfinished run, unless `alongside`.
    """
    run_id, now = new_run_id(), time.time()
    run = Run(plan, run_id)
    folder = "" if path or plan.folder is None else str(plan.folder)
    created = on.RunCreated(plan.digest, whoami(), str(workspace.cwd), path, _hash_of(path), folder)
    events: Sequence[on.Event] = (
        created,
        on.RunApproved(approval.digest, approval.by, approval.how, approval.at),
        on.RunValidated(plan.digest, findings.checks),
        on.RunStarted(),
    )
    for event in events:
        run.apply(event)
    summary = RunSummary(run_id, plan.id, plan.name, plan.digest, run.state, now, now)
    journal = workspace.store.create(
        summary,
        plan.document,
        events,
        approval=approval if recorded else None,
        alongside=alongside,
    )
    with _held(workspace, run, journal, created, observe) as session:
        for event in events:
            observe(run, event, now)
        yield session


@contextmanager
def take_up(
    workspace: Workspace,
    run_id: str,
    observe: Observer,
    *,
    survivors: Survivors = "refuse",
    warn: Callable[[str], None] = lambda _: None,
) -> Iterator[Session]:
    """A stored run, held while the context lasts.

    Of what a dead runner left in flight, what is known to have ended is recorded so; the rest is
    interrupted. If a step of it is still at work (F45), this is refused, or waited for, or ended.

    Raises `Held` while another process has it, `Refused` because of such steps, `Damaged` if its journal
    cannot be trusted.
    """
    journal = workspace.store.acquire(run_id)
    try:
        taken = open_run(workspace.store, run_id)
        for warning in taken.warnings:
            warn(warning)
        run = taken.run
        ended = settle_survivors(workspace, run, survivors)
    except BaseException:
        journal.close()
        raise

    def prove() -> None:
        if taken.checkpoint:
            workspace.store.load(run_id)

    with _held(workspace, run, journal, taken.created, observe, warn, prove) as session:
        session.taken = taken
        if run.needs_recovery:
            session.executor.recollect(ended, f"ended by {whoami()}")
            session.found, session.has_ended = run.state, run.has_ended
        if run.needs_recovery:
            session.request(on.RunnerLost(by=whoami()))
        session.commit()
        forget_outputs(workspace, run_id)
        yield session


@contextmanager
def _held(
    workspace: Workspace,
    run: Run,
    journal: Journal,
    created: on.RunCreated,
    observe: Observer,
    warn: Callable[[str], None] = lambda _: None,
    prove: Callable[[], None] = lambda: None,
) -> Iterator[Session]:
    from fsm.actions.output.log import read_tail

    site = workspace.site(run.run_id, run.plan, Path(created.cwd))
    if run.plan.folder is None:
        run.plan.found_in(_folder_of(created))
    actions = workspace.actions_of(run.plan, Path(created.cwd))
    world = World(
        actions=actions,
        site=site,
        grace_seconds=workspace.grace_seconds,
        now=workspace.now,
        chance=workspace.chance,
        observe=lambda event, at: observe(run, event, at),
        warn=warn,
        tail=lambda log: read_tail(log, site.secrets),
        prove=prove,
    )
    try:
        yield Session(run, Executor(run, journal, world), created, whoami(), run.state)
    finally:
        journal.close()
        for action in actions.values():
            action.close()


def _folder_of(created: on.RunCreated) -> Path:
    """Where the plan's file lay when the run was created; where its steps work, if that is not known."""
    if created.path:
        return Path(created.path).parent
    return Path(created.folder or created.cwd)


def changed_since(session: Session) -> str:
    """A remark if the plan's file no longer resolves to what runs (F50), which stays as it is."""
    path, plan = session.created.path, session.run.plan
    if not path or _hash_of(path) == session.created.source:
        return ""
    from fsm.app.skills import load

    try:
        now = load(Path(path), params=plan.params, parallel=plan.parallel, kept=plan.skills)
    except Invalid:
        how = "can no longer be read as a plan"
    else:
        how = "" if now.digest == plan.digest else "has changed"
    return how and (
        f"note: {path} {how} since it was approved; this run keeps the approved plan "
        f"(to run another: fsm rollback or fsm abort, then fsm run)"
    )


def _hash_of(path: str) -> str:
    """Of the bytes of a plan's file; "" for what cannot be read, or not again: a pipe."""
    try:
        return sha256(Path(path).read_bytes()).hexdigest() if Path(path).is_file() else ""
    except (OSError, ValueError):
        return ""


def stop_holder(workspace: Workspace, run_id: str) -> None:
    """Ask the process that drives the run, if there is one, to stop, and wait until it has.

    After the workspace's grace period it is asked again, and then ends its steps at once.

    Raises `Held` if it may not be asked.
    """
    pid = workspace.store.holder(run_id)
    if not pid:  # nobody; or somebody out of reach, whom `take_up` names as it is refused the run
        return
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        if workspace.store.holder(run_id) == pid:
            signal.pidfd_send_signal(handle, signal.SIGTERM)
            signal.pidfd_send_signal(handle, signal.SIGCONT)
            if not select.select([handle], [], [], workspace.grace_seconds)[0]:
                signal.pidfd_send_signal(handle, signal.SIGTERM)
                select.select([handle], [], [])
    except ProcessLookupError:
        return
    except PermissionError:
        raise Held(run_id, pid) from None
    finally:
        os.close(handle)
