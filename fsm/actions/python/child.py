"""The process in which an action of a Python skill runs apart: it calls what `FSM_CALL` says.

What the action returns goes to the file that FSM_OUTPUT names; why it fails goes to stderr.
"""

from __future__ import annotations

import inspect
import json
import os
import sys
from collections.abc import Awaitable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from fsm.actions.output.outputs import BadOutputs
from fsm.actions.python.action import named
from fsm.actions.python.apart import CALL, RETURNED
from fsm.actions.python.calling import files_of, plain, traced_back
from fsm.actions.python.skill import ActionFailed, Context, Skill

__all__ = ["main"]


def main() -> int:
    """Call the action; the exit code is 0 if it succeeded, and 1 if the last line on stderr says why not."""
    call = json.loads(os.environ.pop(CALL))
    module, _, name = call["reference"].partition(":")
    skill = getattr(import_module(module), name)
    assert isinstance(skill, Skill)
    action = skill.actions[call["action"]]
    context = Context(
        cwd=Path(call["cwd"]),
        folder=Path(call["folder"]),
        env=dict(os.environ),
        run_id=call["run_id"],
        step_id=call["step_id"],
        attempt=call["attempt"],
        idempotency_key=os.environ.get("FSM_IDEMPOTENCY_KEY", ""),
        kept=Path(call["kept"]),
        code=call["code"],
        note=lambda text: print(text, file=sys.stderr, flush=True),
    )
    try:
        returned = action(**named(action, action.function, call["params"], context))
        if inspect.isawaitable(returned):
            returned = _awaited(returned)
        if returned is not None:
            _hand_over(returned if isinstance(returned, Mapping) else {"result": returned})
    except (ActionFailed, BadOutputs) as error:
        print(" ".join(str(error).splitlines()), file=sys.stderr)
        return 1
    except SystemExit as end:
        if end.code == 1:
            print("SystemExit: 1", file=sys.stderr)
        raise
    except Exception as error:
        print(traced_back(error), end="", file=sys.stderr)
        return 1
    return 0


def _awaited(returned: Awaitable[Any]) -> Any:
    import asyncio

    async def wait() -> Any:
        return await returned

    return asyncio.run(wait())


def _hand_over(outputs: Mapping[str, Any]) -> None:
    """Raises `TypeError` if they are not JSON."""
    files = files_of(outputs)
    rest = plain({name: value for name, value in outputs.items() if name not in files})
    lines = [f"{RETURNED}={json.dumps(rest)}\n"]
    lines += [f"{name}:file={path}\n" for name, path in files.items()]
    with Path(os.environ["FSM_OUTPUT"]).open("a", encoding="utf-8") as file:
        file.writelines(lines)
