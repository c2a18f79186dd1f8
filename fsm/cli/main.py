"""The command group, and the boundary where every error becomes a message and an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click

from fsm import __version__
from fsm.cli.deciding import abort, mark, rollback
from fsm.cli.history import export, history, import_, prune, stats
from fsm.cli.looking import list_, log, status
from fsm.cli.output import Output, keep_going
from fsm.cli.phases import execute, recover
from fsm.cli.plans import approve, diagram, plan, schema, validate
from fsm.cli.resuming import resume
from fsm.cli.running import run_
from fsm.errors import FsmError, Invalid, Problem, TransitionRefused

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


class _Group(click.Group):
    """Commands in the order of use."""

    def list_commands(self, _: click.Context) -> list[str]:
        return list(self.commands)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="fsm %(version)s")
def fsm() -> None:
    """Declare multi-step work in YAML, approve it, run it, and resume or roll back when it breaks.

    \b
    Exit codes: 0 completed   1 failed or aborted   2 invalid plan or usage   3 paused
                4 rolled back 5 rollback failed     6 refused   7 state unavailable
                70 a defect of fsm   130 interrupted

    A command without RUN means the newest.
    """


for _command in (
    plan,
    approve,
    validate,
    run_,
    execute,
    status,
    log,
    resume,
    recover,
    rollback,
    mark,
    abort,
    list_,
    history,
    stats,
    prune,
    export,
    import_,
    diagram,
    schema,
):
    fsm.add_command(_command)


def run(arguments: Sequence[str]) -> int:
    """Carry out one command line; the exit code. Nothing but a message ever comes out of an error."""
    keep_going()
    output = Output(json="--json" in arguments)
    try:
        result = fsm.main(list(arguments), prog_name="fsm", standalone_mode=False)
        sys.stdout.flush()
    except click.UsageError as error:
        if not output.json:
            error.show()
            return 2
        return output.error(Invalid([Problem(error.format_message())]))
    except click.ClickException as error:
        return output.error(Invalid([Problem(error.format_message())]))
    except TransitionRefused as error:
        others = [trigger for trigger in error.allowed if trigger != error.trigger]
        commands = [_COMMANDS[trigger] for trigger in others if trigger in _COMMANDS]
        error.hint = f"possible now: {', '.join(commands) or 'nothing more'}"
        return output.error(error)
    except FsmError as error:
        return output.error(error)
    except (KeyboardInterrupt, click.Abort):
        return output.error(_InterruptedError("interrupted"))
    except Exception as error:
        if os.environ.get("FSM_DEBUG"):
            raise
        return output.error(_defect(error))
    return result if isinstance(result, int) else 0


class _InterruptedError(FsmError):
    exit_code = 130


def _defect(error: Exception) -> FsmError:
    return FsmError(
        f"a defect of fsm: {type(error).__name__}: {error}",
        "what was recorded is safe; please report this with what FSM_DEBUG=1 adds to it",
    )
