"""The local executor: carries out a run's commands on real actions, one durable write a step.

The loop: take outcomes → apply them → take commands → apply the intents → append all that, durably →
launch. Nothing is launched before its intent is written (I3); what the journal refuses was not done.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Collection, Coroutine
from contextvars import Context, copy_context
from typing import TYPE_CHECKING

from fsm.engine.attempts import Attempts, cancellation
from fsm.engine.checkpoint import Checkpoint, encode
from fsm.errors import FsmError, StateUnavailable
from fsm.run import commands as do
from fsm.run import events as on
from fsm.run.snapshot import snapshot

if TYPE_CHECKING:
    from fsm.engine.ports import Journal, World
    from fsm.engine.site import Site
    from fsm.run import Run, StepRecord

    Work = Coroutine[None, None, on.Event]

__all__ = ["Executor"]

_CHECKPOINT_INTERVAL = 1000
"""After so many events, or as many as there are steps: so they cost little beside what they save."""
_UNSHARED_SECONDS = 0.02
"""For so long at most, the steps of a run follow each other without a look at what else is on the loop."""


class Executor:
    """Drives one run, whose journal it holds, until the run rests."""

    def __init__(self, run: Run, journal: Journal, world: World) -> None:
        self.run = run
        self._journal = journal
        self._world = world
        self.attempts = Attempts(run, world, self._identified)
        self._batch: list[on.Event] = []
        self._since_checkpoint = 0
        self._checkpoint_interval = run.plan.checkpoint_interval or max(
            _CHECKPOINT_INTERVAL, len(run.steps)
        )
        self._launches: dict[StepRecord, Work] = {}
        self._tasks: dict[StepRecord, asyncio.Task[None]] = {}
        self._unbegun: dict[StepRecord, Work] = {}
        self._idle: asyncio.Task[None] | None = None
        self._next: tuple[StepRecord, Work] | None = None
        self._cancelled: dict[StepRecord, str] = {}
        self._ended: list[on.Event] = []
        self._defect: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._rest: asyncio.Future[Run] | None = None
        self._context = Context()
        self._timer: asyncio.TimerHandle | None = None
        self._waited_until = 0.0
        self._is_awake = False
        self._stop_reason = ""
        self._stop_level = 0
        self._stop_done = 0

    @property
    def site(self) -> Site:
        """Where the run works."""
        return self._world.site

    def record(self, event: on.Event) -> None:
        """Apply the fact and keep it for the next durable write. Raises `TransitionRefused`."""
        self.run.apply(event)
        self._batch.append(event)

    def commit(self) -> None:
        """Write what was recorded; durable when it returns. Raises `StateUnavailable`."""
        if not self._batch:
            return
        at = self._world.now()
        self._journal.append(self._batch, at=at, state=self.run.state)
        written, self._batch = self._batch, []
        self._since_checkpoint += len(written)
        for tell in self.attempts.to_tell:
            tell()
        self.attempts.to_tell.clear()
        for event in written:
            self._world.observe(event, at)
        if self._since_checkpoint >= self._checkpoint_interval:
            self._keep_checkpoint()

    def _keep_checkpoint(self, before: str = "") -> None:
        """Store where the run stands after the last record; `before` is the step that asked for it."""
        journal = self._journal
        state = snapshot(self.run)
        checkpoint = Checkpoint(journal.seq, journal.hash, self._world.now(), before, state)
        self._since_checkpoint = 0
        try:
            journal.keep(encode(checkpoint))
        except StateUnavailable as error:
            self._world.warn(f"checkpoint {journal.seq} could not be kept: {error.message}")

    def stop(self, reason: str) -> None:
        """Start nothing more; what is in flight may end by itself within the grace period (F30).

        Asked again, end it at once.
        """
        self._stop_level = 3 if self._stop_level else 1
        self._stop_reason = self._stop_reason or reason
        self._awake()

    async def drive(self) -> Run:
        """Carry out commands until the run rests and nothing is in flight.

        Raises `StateUnavailable` if the journal cannot be written; then what was in flight has been ended
        and is unknown to the journal.
        """
        self._loop, self._context = asyncio.get_running_loop(), copy_context()
        self._rest = self._loop.create_future()
        self._awake()
        gc.freeze()  # the plan stays as long as the run: looking at it again and again takes a tenth of it
        try:
            return await self._rest
        finally:
            gc.unfreeze()
            if self._timer is not None:
                self._timer.cancel()
            await self._end_all()

    # One turn: from what has ended to what is launched next.

    def _awake(self) -> None:
        """Let a turn come soon; whatever ends until then is taken by the same turn, in one write."""
        if self._loop is not None and not self._is_awake:
            self._is_awake = True
            self._loop.call_soon(self._turn, context=self._context)

    def _turn(self) -> None:
        self._is_awake = False
        if self._loop is None or self._rest is None or self._rest.done():
            return
        try:
            if self._turned(self._loop):
                self._rest.set_result(self.run)
        except BaseException as error:
            self._rest.set_exception(error)

    def _turned(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Carry the run on as far as it goes now; whether it rests."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._take_outcomes()
        waiting = self._decide()
        self._waited_until = 0.0
        self.commit()
        self._launch(loop)
        if not self._tasks and not self.run.is_moving:
            for action in self._world.actions.values():
                action.recorded()
            if self.run.has_ended:
                self._forget_checkpoints()
            return True
        self._press(loop)
        if waiting is not None:
            # A clock that was set back meanwhile keeps nobody waiting longer than the plan says (F28).
            longest = self.attempts.longest_wait(self.run.record(waiting.step))
            delay = min(max(0.0, waiting.until - self._world.now()), longest)
            self._timer = loop.call_later(delay, self._has_waited, waiting.until)
        elif not self._tasks and not self._is_awake:
            raise FsmError(f"the run is {self.run.state}, but nothing is left to wait for")
        return False

    def _has_waited(self, until: float) -> None:
        """For the next turn it is that moment at the least, whatever the clock says."""
        self._waited_until = until
        self._awake()

    def _forget_checkpoints(self) -> None:
        try:
            self._world.prove()
        except StateUnavailable as error:  # then the checkpoints are all that tells the run's state
            self._world.warn(
                f"{error.message}; the checkpoints are kept, and tell where the run stands"
            )
            return
        try:
            self._journal.forget_checkpoints()
        except StateUnavailable as error:
            self._world.warn(f"the checkpoints of a run that has ended remain: {error.message}")

    def _take_outcomes(self) -> None:
        if self._defect is not None:
            raise self._defect
        for event in self._ended:
            self.record(event)
        self._ended.clear()
        if self._stop_level and self.run.state in {"running", "rolling_back"}:
            self.record(on.RunPaused(by="signal", reason=self._stop_reason))

    def _decide(self) -> do.Wait | None:
        """Apply what the run intends; returns until when to wait if nothing happens before."""
        while True:
            waiting = None
            for command in self.run.commands(max(self._world.now(), self._waited_until)):
                match command:
                    case do.StartStep(step, attempt):
                        record = self.run.record(step)
                        if record.step.checkpoint:
                            self.commit()
                            self._keep_checkpoint(step)
                        self.record(on.StepStarted(step, attempt))
                        self._launches[record] = self.attempts.forward(record, attempt)
                    case do.UndoStep(step, attempt):
                        record = self.run.record(step)
                        self.record(on.UndoStarted(step, attempt))
                        self._launches[record] = self.attempts.undo(record, attempt)
                    case do.ProbeStep(step):
                        record = self.run.record(step)
                        if record not in self._tasks and record not in self._launches:
                            self._launches[record] = self.attempts.probe(record)
                    case do.CancelStep(step):
                        record = self.run.record(step)
                        reason = f"the run is {self.run.state.replace('_', ' ')}"
                        if record in self._launches:
                            self._launches.pop(record).close()
                            self.record(cancellation(record, reason))
                            break
                        self._cancel(record, reason)
                    case do.Wait():
                        waiting = command
                    case do.SkipStep(step, reason):
                        self.record(on.StepSkipped(step, reason))
                        break
                    case do.RejectStep(step, error):
                        self.record(on.StepFailed(step, 0, error))
                        break
            else:
                return waiting

    def _launch(self, loop: asyncio.AbstractEventLoop) -> None:
        for record, work in self._launches.items():
            if self._stop_level > 1:
                self._leave_undone(record, work, self._stop_reason)
            elif self._idle is not None:
                self._tasks[record], self._idle, self._next = self._idle, None, (record, work)
            else:
                self._unbegun[record] = work
                self._tasks[record] = loop.create_task(self._carry(loop, record, work))
        self._launches.clear()

    async def _carry(self, loop: asyncio.AbstractEventLoop, record: StepRecord, work: Work) -> None:
        """Do the work, and leave the fact of how it ended for the next turn.

        If nobody else can end meanwhile, that turn is taken here, and the work that it brings done here as
        well: two rounds of the loop and a task are saved. But others on the loop have their turn soon, and no
        step finds the context variables of another.
        """
        clean = copy_context()
        del self._unbegun[record]
        me, until = asyncio.current_task(), loop.time() + _UNSHARED_SECONDS
        while True:
            try:
                self._ended.append(await work)
            except asyncio.CancelledError:
                self._ended.append(cancellation(record, self._cancelled.get(record, "")))
            except BaseException as defect:  # raised again by the loop, which no task may end
                self._defect = defect
            del self._tasks[record]
            self._cancelled.pop(record, None)
            is_shared = self._tasks or self._is_awake or loop.time() > until
            if is_shared or not _is_current(clean):
                self._awake()
                return
            self._idle = None if me is None or me.cancelling() else me
            self._turn()
            self._idle = None
            if self._next is None:
                return
            (record, work), self._next = self._next, None

    # Ending what is in flight.

    def _press(self, loop: asyncio.AbstractEventLoop) -> None:
        """Stop harder each time: 1 wait for the grace period, 2 end kindly, 3 end by force."""
        while self._stop_done < self._stop_level:
            self._stop_done += 1
            if self._stop_done == 1:
                loop.call_later(self._world.grace_seconds, self._grace_is_over)
                continue
            for record in list(self._tasks):
                self._end(record, self._stop_reason)
            # A task must see one cancellation before the next one can reach it.
            loop.call_soon(self._awake)
            return

    def _grace_is_over(self) -> None:
        self._stop_level = max(self._stop_level, 2)
        self._awake()

    def _cancel(self, record: StepRecord, reason: str) -> None:
        if record in self._tasks and record not in self._cancelled:
            self._end(record, reason)

    def _end(self, record: StepRecord, reason: str) -> None:
        """Cancel what is done for the step. A task that has not begun would tell nobody that it was."""
        work = self._unbegun.pop(record, None)
        if work is None:
            self._cancelled.setdefault(record, reason)
            self._tasks[record].cancel()
        else:
            self._tasks.pop(record).cancel()
            self._leave_undone(record, work, reason)

    def _leave_undone(self, record: StepRecord, work: Work, reason: str) -> None:
        work.close()
        self._ended.append(cancellation(record, reason))
        self._awake()

    async def _end_all(self) -> None:
        for work in (*self._launches.values(), *self._unbegun.values()):
            work.close()
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # What a dead runner left, and what is told from outside.

    def recollect(self, cancelled: Collection[str] = (), reason: str = "") -> None:
        """Record how the attempts that a dead runner left in flight ended, as far as their actions know.

        Those of the steps `cancelled` were ended for that `reason`: if they failed, it was of that.
        """
        for record in list(self.run.in_flight.values()):
            ended = self.attempts.recollect(record, reason if record.id in cancelled else "")
            if ended is not None:
                self.record(ended)

    def _identified(
        self, record: StepRecord, attempt: int, pid: int, start: int, boot: str
    ) -> None:
        if record in self._tasks and record.in_flight:
            self.record(on.ProcessIdentified(record.id, attempt, pid, start, boot))
            self._awake()


def _is_current(context: Context) -> bool:
    """Whether each context variable is what it is there."""
    current = copy_context()
    return len(current) == len(context) and all(
        context.get(variable, context) is value for variable, value in current.items()
    )
