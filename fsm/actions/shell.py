"""The skill `shell`: a command of the machine this runs on, as one attempt of a step."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from fsm.actions.command import Programs, argument_vector, inspect_call
from fsm.actions.inspecting import masked
from fsm.actions.output.log import Log, make_folder, read_tail
from fsm.actions.output.masking import Masker
from fsm.actions.output.outputs import BadOutputs, discard_outputs, take_outputs
from fsm.actions.output.text import one_line, to_bytes
from fsm.actions.processes.kin import mark_of
from fsm.actions.processes.launcher import Launcher
from fsm.actions.processes.ledger import entries
from fsm.actions.processes.proc import Proc, boot_id, command_line, look_at
from fsm.actions.processes.process import LASTING_SECONDS, Process
from fsm.actions.processes.tree import end_tree, remains
from fsm.engine.ports import Failed, Inspection, Outcome, Succeeded, Task
from fsm.errors import Invalid, StateUnavailable

if TYPE_CHECKING:
    from pydantic import JsonValue

__all__ = ["ShellAction"]

_MOST_NAMED = 5


class ShellAction:
    """The one action `run`, with the one parameter `command`.

    A list is executed as it stands, without a shell; text runs under `sh -c`. The process leads a session
    of its own, has nothing on its stdin, and writes both its outputs to `task.log`. The attempt ends when
    the process does: children that it leaves running are named in the log and left alone, and what they
    write goes on being logged for as long as this program runs. Cancelled, all of them are ended. One that
    runs for `lasting_seconds` is told to `task.on_process`.
    """

    def __init__(self, lasting_seconds: float = LASTING_SECONDS) -> None:
        self._lasting_seconds = lasting_seconds
        self._launcher = Launcher()
        self._programs = Programs()

    async def inspect(
        self,
        action: str,
        params: Mapping[str, JsonValue],
        cwd: Path,
        env: Mapping[str, str],
        secrets: Sequence[bytes],
    ) -> Inspection:
        """Wrong parameters, a shell string that does not parse, a program that is not there."""
        found = inspect_call(action, params, cwd, env, self._programs)
        return masked(found, Masker(secrets)) if any(found.values()) else found

    async def perform(self, task: Task) -> Outcome:
        """Run the command once: `Succeeded` if it exits with 0 and its outputs can be read.

        Raises `StateUnavailable` if the process that watches it is killed.
        """
        masker = Masker(task.secrets)
        log = Log(task.log, masker)
        try:
            argv = argument_vector(task.action, task.params)
        except Invalid as error:
            return Failed(_masked("; ".join(map(str, error.problems)), masker))
        folder = task.outputs.rpartition("/")[0]
        try:
            make_folder(folder)
        except OSError as error:
            return Failed(_masked(f"cannot make {folder}: {error.strerror}", masker))
        process = None
        try:
            process = Process(
                self._launcher,
                argv,
                cwd=task.cwd,
                env=task.env,
                sink=log.write,
                what=(task.step_id, task.purpose, task.attempt),
                log=task.log,
                secrets=task.secrets,
                on_lasting=lambda: _identify(process, task),
                lasting_seconds=self._lasting_seconds,
            )
            code = await _supervise(process, task, log)
        except (OSError, ValueError) as error:
            if process is not None:
                process.close()
            return Failed(_masked(_cannot_start(argv[0], task.cwd, error), masker))
        except BaseException:
            if process is not None:
                process.close()
            log.close()
            discard_outputs(task.outputs)
            raise
        return _outcome(code, task, masker, log.tail())

    def recollect(self, task: Task) -> Outcome | None:
        """What the shim saw of an attempt whose runner died. See `Action`."""
        attempt = (task.step_id, task.purpose, task.attempt)
        entry = entries(os.path.dirname(task.log)).get(attempt)  # noqa: PTH120
        if entry is None or entry.status is None or not entry.ended:
            return None
        masker = Masker(task.secrets)
        outcome = _outcome(entry.status, task, masker, read_tail(task.log, task.secrets))
        return replace(outcome, seconds=round(max(0.0, entry.ended - entry.began), 3))

    def recorded(self) -> None:
        """Every outcome that `perform` gave is durably recorded. See `Action`."""
        self._launcher.recorded()

    def close(self) -> None:
        """Let go what starts the processes. See `Action`."""
        self._launcher.close()


async def _supervise(process: Process, task: Task, log: Log) -> int:
    """Wait for the leader's end: its exit code. Cancelled, end all first. Raises if it cannot be started.

    Raises `StateUnavailable` if nobody will know how it ends: it may be at work, and is no failure (F34).
    """
    process.launcher.hear_soon()
    try:
        code = await process.ended
    except asyncio.CancelledError:
        left = await end_tree(process, mark_of(task.env), task.grace_seconds)
        process.drain()
        log.end_output()
        _name("could not be ended", left, log, task.secrets)
        raise
    if code is None:
        raise StateUnavailable(
            f"how step `{task.step_id}` ends is not known: the process that watched it is gone",
            f"see what it has done, and whether it is still at work: fsm resume {task.run_id}",
        )
    process.drain()
    left = remains(process, task.env)
    if not process.output_is_held:
        log.end_output()
    _name("left running", left, log, task.secrets)
    process.release(log.close)
    return code


def _identify(process: Process | None, task: Task) -> None:
    proc = look_at(process.pid) if process is not None else None
    if proc is not None:
        task.on_process(proc.pid, proc.start, boot_id())


def _outcome(code: int, task: Task, masker: Masker, tail: str) -> Outcome:
    if code == 0:
        forget = partial(discard_outputs, task.outputs)
        try:
            outputs = take_outputs(task.outputs, task.secrets, task.cwd)
        except BadOutputs as error:
            words = _masked(f"its FSM_OUTPUT cannot be read: {error}", masker)
            return Failed(words, code, tail, on_recorded=forget)
        return Succeeded(outputs, tail, on_recorded=forget if outputs else None)
    discard_outputs(task.outputs)
    if code < 0:
        return Failed(f"killed by {_signal_name(-code)}", code, tail)
    return Failed(f"exit code {code}", code, tail)


def _cannot_start(program: str, cwd: str, error: OSError | ValueError) -> str:
    words = error.strerror or str(error) if isinstance(error, OSError) else str(error)
    if isinstance(error, OSError):
        if error.filename == cwd:
            return f"cannot start `{program}` in {cwd}: {words}"
        if error.errno == errno.ENOEXEC:
            words += " (is its first line `#!` and an interpreter?)"
        elif error.errno == errno.EAGAIN:
            words += " (as many processes are at work as are allowed: ulimit -u)"
        elif error.errno == errno.ENOENT and "/" in program and os.path.exists(Path(cwd, program)):  # noqa: PTH110 (Path raises)
            words += " (the interpreter that its first line names)"
    return f"cannot start `{program}`: {words}"


def _name(what: str, procs: Sequence[Proc], log: Log, secrets: Sequence[bytes]) -> None:
    for proc in procs[:_MOST_NAMED]:
        log.note(f"{what}: pid {proc.pid} {command_line(proc.pid, Masker(secrets))}")
    if len(procs) > _MOST_NAMED:
        log.note(f"{what}: and {len(procs) - _MOST_NAMED} more")


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _masked(text: str, masker: Masker) -> str:
    return one_line(masker.mask(to_bytes(text)))
