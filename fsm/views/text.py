"""Small pieces of text that several views share."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fsm.plan.model import Call, Step

__all__ = ["call_text", "shown", "step_label"]

_ESCAPED = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))} | {
    ord("\n"): "\\n",
    ord("\t"): "\\t",
    ord("\r"): "\\r",
    **{code: f"\\u{code:04x}" for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))},
}


def shown(text: str) -> str:
    """The text on one line, control characters and direction marks escaped: data, never code (F41)."""
    return text.translate(_ESCAPED)


def call_text(call: Call) -> str:
    """A call as a person would type it: `git push origin main`, or `skill.action name=value`."""
    if call.skill == "shell":
        command = call.params.get("command")
        words = command if isinstance(command, list) else None
        return shown(shlex.join(map(str, words)) if words else str(command).strip())
    params = " ".join(
        f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in call.params.items()
    )
    return shown(f"{call.skill}.{call.action} {params}".strip())


def step_label(index: int, step: Step) -> str:
    """`Step 2: NAME`, counting from 1 in execution order."""
    return f"Step {index + 1}: {shown(step.name)}"
