"""The ledger of a run's processes: what a shim writes when its runner has gone, and what recovery reads.

A line of JSON a fact, beside the run's logs, each durable when it is written: first every attempt that was
at work or had ended when the runner went, then how those that were at work end. The shim locks the file as
long as it lives: whoever gets the lock knows that nothing more will be written.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from fsm.actions.output.log import Log, open_regular
from fsm.actions.output.masking import Masker
from fsm.actions.processes.proc import boot_id, look_at
from fsm.actions.processes.shim import LEDGER

if TYPE_CHECKING:
    from fsm.actions.processes.shim import Attempt, Shim

__all__ = ["Entry", "entries", "see_to_the_end", "settle"]

_READ_BYTES = 1 << 16


class Entry(NamedTuple):
    """What became of the process of one attempt. Times are in seconds since the epoch.

    (`pid`, `start`, `boot`) name the process: `start` is in clock ticks since boot, 0 if it had ended.
    `status` is its exit code, negative for a signal; `None` while it is at work, and if nobody saw its end.
    """

    step: str
    purpose: str
    attempt: int
    pid: int
    start: int
    boot: str
    began: float
    ended: float
    status: int | None


_KINDS: Sequence[tuple[type, ...]] = (
    (str,),
    (str,),
    (int,),
    (int,),
    (int,),
    (str,),
    (float, int),
    (float, int),
    (int, type(None)),
)
"""What the values of an entry may be."""


def entries(folder: str) -> dict[tuple[str, str, int], Entry]:
    """The latest entry of each attempt (step, purpose, number) in that folder of logs.

    A line that is torn or not ours is passed over: then nobody knows, which is what its absence says.
    """
    found: dict[tuple[str, str, int], Entry] = {}
    try:
        with open(open_regular(os.path.join(folder, LEDGER), os.O_RDONLY), "rb") as file:  # noqa: PTH118,PTH123
            lines = file.read().splitlines()
    except OSError:
        return found
    for line in lines:
        with contextlib.suppress(ValueError, TypeError, RecursionError):
            entry = Entry(**json.loads(line))
            if all(type(value) in kinds for value, kinds in zip(entry, _KINDS, strict=True)):
                found[entry[:3]] = entry
    return found


def settle(folder: str, *, wait: bool = True) -> bool:
    """Return when nothing more will be written to the ledger of that folder: its shim has gone.

    Without `wait`, at once: whether that is so.
    """
    try:
        fd = open_regular(os.path.join(folder, LEDGER), os.O_RDONLY)  # noqa: PTH118
    except OSError:
        return True
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | (0 if wait else fcntl.LOCK_NB))
    except OSError:
        return False
    finally:
        os.close(fd)
    return True


def see_to_the_end(shim: Shim) -> None:
    """The runner is gone: note what is at work and what has ended, and stay until all have."""
    boot = boot_id()

    def note(attempts: Iterable[Attempt]) -> None:
        written = set()
        for attempt in attempts:
            proc = look_at(attempt.pid) if attempt.code is None else None
            times = (attempt.began, attempt.ended)
            start = proc.start if proc else 0
            entry = Entry(*attempt.what, attempt.pid, start, boot, *times, attempt.code)
            fd = shim.ledgers.get(os.path.dirname(attempt.log), -1)  # noqa: PTH120
            with contextlib.suppress(OSError):  # a disk that is full leaves the outcome unknown
                os.write(fd, json.dumps(entry._asdict()).encode() + b"\n")
                written.add(fd)
        for fd in written:
            with contextlib.suppress(OSError):
                os.fsync(fd)

    note([*shim.ended.values(), *shim.living.values()])
    _keep_flowing(shim, note)


def _keep_flowing(shim: Shim, note: Callable[[Iterable[Attempt]], None]) -> None:
    """Let what the living write flow into their logs, and note the end of each, until all have ended."""
    shim.let_all_go()
    ended_before = [*shim.unread.values()]
    attempts = [*shim.living.values(), *ended_before]
    logs = {each.output: Log(each.log, Masker(each.secrets)) for each in attempts}

    open_ = set(logs)

    def flow(output: int) -> int:
        """Log the next piece; how long it was, 0 if there is none now or ever."""
        try:
            piece = os.read(output, _READ_BYTES) if output in open_ else b""
        except BlockingIOError:
            return 0
        if piece:
            logs[output].write(piece)
        elif output in open_:
            open_.remove(output)
            shim.poller.unregister(output)
        return len(piece)

    def drain(attempt: Attempt) -> None:
        """All that it wrote lies in the pipe; what others go on writing cannot make this endless."""
        rest = 1 << 20
        while rest > 0 and (length := flow(attempt.output)):
            rest -= length
        logs[attempt.output].end_output()

    def end(ended: Iterable[Attempt]) -> None:
        for attempt in ended:
            drain(attempt)
            note([attempt])

    shim.poller.unregister(shim.channel.fileno())
    for output in logs:
        shim.poller.register(output, select.POLLIN)
    for attempt in ended_before:
        drain(attempt)
    end(shim.reap())
    while shim.living:
        for ready, _ in shim.poller.poll():
            if ready == shim.woken:
                shim.hear_signal()
                end(shim.reap())
            else:
                flow(ready)
    for log in logs.values():
        log.close()
