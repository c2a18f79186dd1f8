"""What has to be arranged so that a step whose condition does not hold runs, or the other way round."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fsm.plan.model import Plan

__all__ = ["arrangements"]

_LITERAL = re.compile(r"""(["'])(?P<text>[^"']*)\1|(?P<bare>\b(?:true|false|\d+)\b)""")
_PARAM = re.compile(r"\bparams\.(\w+)")
_OUTPUT = re.compile(
    r"\bsteps\.(\w+)\.outputs\.(\w+)|\bsteps\[[\"']([^\"']+)[\"']\]\.outputs\.(\w+)"
)


def arrangements(plan: Plan, condition: str) -> Iterator[list[str]]:
    """Sentences that may make a condition hold: what it names, set to what it is compared with."""
    values = [match["text"] or match["bare"] for match in _LITERAL.finditer(condition)]
    values += ["true", "false"]
    for value in dict.fromkeys(value for value in values if value):
        for name in dict.fromkeys(_PARAM.findall(condition)):
            if name in plan.params:
                yield [f'Given the parameter "{name}" is "{value}"']
        for match in _OUTPUT.finditer(condition):
            step, output = match[1] or match[3], match[2] or match[4]
            yield [f'Given the step "{step}" returns "{output}" as "{value}"']
