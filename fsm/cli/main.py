"""The command group, and the boundary where every error becomes a message and an exit code."""

from __future__ import annotations

import errno
import os
import sys
import warnings
from collections.abc import Sequence
from importlib import import_module

import click

from fsm import __version__
from fsm.cli.output import Output, keep_going
from fsm.errors import Damaged, FsmError, Invalid, Problem, StateUnavailable, TransitionRefused

__all__ = ["run"]

_COMMANDS = {
    "resume": "fsm resume",
    "rollback": "fsm rollback",
    "abort": "fsm abort",
    "mark": "fsm mark",
    "retry": "fsm resume",
    "rerun": "fsm resume --rerun STEP",
    "redo": "fsm resume --from STEP",
    "mark_done": "fsm mark STEP done",
    "mark_undone": "fsm mark STEP undone",
}
"""What a person types for a trigger of the tables."""

_HOMES = {
    "plan": "plans",
    "approve": "plans",
    "validate": "plans",
    "check": "proof",
    "lint": "proof",
    "run": "running:run_",
    "execute": "phases",
    "status": "looking",
    "log": "looking",
    "resume": "resuming",
    "recover": "phases",
    "rollback": "deciding",
    "mark": "deciding",
    "abort": "deciding",
    "list": "looking:list_",
    "history": "history",
    "stats": "history",
    "prune": "history",
    "export": "history",
    "import": "history:import_",
    "diagram": "diagrams",
    "machine": "machines",
    "test": "testing:test_",
    "skills": "skills:skills_",
    "spec": "specifying",
    "schema": "plans",
}
"""The commands in the order of use: each is in the module of this package, under its own name or this one."""


class _Group(click.Group):
    """Loads a command when it is asked for: the others cost no start anything.

    What the errors of a command propose names the state that it looked in.
    """

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except FsmError as error:
            from fsm.cli.options import name_way_out, with_state

            if isinstance(error, TransitionRefused):
                error.hint = _possible(error)
            if isinstance(error, Damaged):
                name_way_out(error)
            error.message = with_state(error.message, ctx)
            error.hint = with_state(error.hint, ctx)
            raise

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            told = f"No such option '{error.option_name}' before the command."
            hint = "Options of a command stand after it, as in: fsm list --json"
            raise click.UsageError(f"{told} {hint}", ctx) from None

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's
        return list(_HOMES)

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's
        cmd_name: str,
    ) -> click.Command | None:
        if cmd_name not in _HOMES:
            return None
        module, _, own = _HOMES[cmd_name].partition(":")
        command: click.Command = getattr(import_module(f"fsm.cli.{module}"), own or cmd_name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, which knows the names of loaded commands only, and so would find nothing near."""
        asked = args[0]
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from fsm.document import suggest

            near = "" if asked.startswith("-") else suggest(asked, _HOMES)
            if not near:
                raise
            told = f"{error.format_message()} {near[0].upper()}{near[1:]}"
            raise click.UsageError(told, ctx) from None


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="fsm %(version)s")
def fsm() -> None:
    """Declare multi-step work in YAML, approve it, run it, and resume or roll back when it breaks.

    \b
    Exit codes: 0 completed   1 failed or aborted   2 invalid plan or usage   3 paused
                4 rolled back 5 rollback failed     6 refused   7 state unavailable
                70 a defect of fsm   130 interrupted

    `run`, `execute`, `resume`, `recover` and `rollback` exit as the run rests, every other command with 0 if
    it did what it was asked. A command without RUN means the newest. To begin with: fsm plan FILE.
    """


def run(arguments: Sequence[str]) -> int:
    """Carry out one command line; the exit code. Nothing but a message ever comes out of an error."""
    stdout = keep_going()
    output = Output(json="--json" in arguments)
    try:
        result = fsm.main(list(arguments), prog_name="fsm", standalone_mode=False)
    except click.UsageError as error:
        if not output.json:
            error.show()
            return 2
        return output.error(Invalid([Problem(error.format_message())]))
    except click.ClickException as error:
        return output.error(Invalid([Problem(error.format_message())]))
    except FsmError as error:
        return output.error(error)
    except (KeyboardInterrupt, click.Abort):
        return output.error(_InterruptedError("interrupted", "where a run rests: fsm status"))
    except Exception as error:
        if isinstance(error, FileNotFoundError) and not _is_somewhere():
            gone = "the folder in which this was given is gone"
            return output.error(StateUnavailable(gone, "go to one that is there"))
        if os.environ.get("FSM_DEBUG"):
            raise
        return output.error(_shortage(error) or _defect(error))
    return stdout.exit_code(result if isinstance(result, int) else 0)


def _possible(error: TransitionRefused) -> str:
    others = [trigger for trigger in error.allowed if trigger != error.trigger]
    commands = [_COMMANDS[trigger] for trigger in others if trigger in _COMMANDS]
    return f"possible now: {', '.join(commands) or 'nothing more'}"


def _is_somewhere() -> bool:
    try:
        os.getcwd()  # noqa: PTH109
    except FileNotFoundError:
        return False
    return True


class _InterruptedError(FsmError):
    exit_code = 130


def _shortage(error: Exception) -> FsmError | None:
    """That as many files are open as may be, if it was that: of a module, the words tell it."""
    codes = (errno.EMFILE, errno.ENFILE)
    named = isinstance(error, ImportError) and any(os.strerror(c) in str(error) for c in codes)
    if not (named or (isinstance(error, OSError) and error.errno in codes)):
        return None
    sys.unraisablehook = lambda _: None  # what was built by half complains when it is taken down
    warnings.simplefilter("ignore")
    return StateUnavailable(
        "as many files are open as may be here, and fsm needs more",
        "allow more with: ulimit -n 1024; then see where a run rests: fsm status",
    )


def _defect(error: Exception) -> FsmError:
    return FsmError(
        f"a defect of fsm: {type(error).__name__}: {error}",
        "what was recorded is safe; please report this with what FSM_DEBUG=1 adds to it",
    )
