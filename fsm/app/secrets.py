"""Secrets that stand where nobody may see them: in what is wrong with a plan."""

from __future__ import annotations

import os
from collections.abc import Sequence

from fsm.actions.output.masking import MASK, Masker
from fsm.errors import Invalid, Problem

__all__ = ["masked"]

_LEAST = 8


def masked(error: Invalid) -> Invalid:
    """The same, with the values of the secrets that its plan names masked; also one that was cut short."""
    values = [value for value in map(os.environ.get, error.secrets) if value]
    if not values:
        return error
    problems = [
        Problem(
            _masked(problem.message, values),
            _masked(problem.hint, values),
            path=problem.path,
            line=problem.line,
            column=problem.column,
        )
        for problem in error.problems
    ]
    return Invalid(problems, error.hint, error.secrets)


def _masked(text: str, values: Sequence[str]) -> str:
    for value in values:
        for length in range(len(value) - 1, _LEAST - 1, -1):
            text = text.replace(f"{value[:length]}…", MASK.decode())
    secrets = [value.encode(errors="surrogateescape") for value in values]
    return Masker(secrets).mask(text.encode(errors="surrogateescape")).decode(errors="replace")
