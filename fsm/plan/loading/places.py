"""Where the steps of a plan stand in its file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from fsm.document import Document, Path, parse_document
from fsm.garbage import uncollected
from fsm.plan.loading.findings import PHASES, PLAN, Findings
from fsm.plan.loading.load import is_specification

if TYPE_CHECKING:
    from fsm.plan.model import Plan

__all__ = ["find_steps", "step_paths", "step_places"]


def step_paths(document: Document) -> Mapping[str, Path]:
    """The path of each step, or phase, in the data of a document that is a valid plan, by its id."""
    return dict(_paths(document))


def step_places(document: Document) -> Mapping[str, tuple[int, int]]:
    """Line and column, from 1, of each step."""
    return {name: document.position(path) for name, path in _paths(document)}


def find_steps(plan: Plan) -> Callable[[str, str], tuple[str, int, int]]:
    """Tells file, line and column of a step, by its id; or of what it has under a key, if that is not "".

    That is `("", 0, 0)` for a plan that was not read from a file by this process. What was read is gone
    through again for it, which only a plan with faults pays for.
    """
    if plan.source is None:
        return lambda _step, _key: ("", 0, 0)
    with uncollected():
        document = parse_document(plan.source.text, plan.source.path, lenient=True)
        paths = step_paths(document)

    def find(step: str, key: str) -> tuple[str, int, int]:
        path = paths.get(step, ())
        return document.path, *document.position((*path, key) if key else path)

    return find


def _paths(document: Document) -> Iterator[tuple[str, Path]]:
    form = PHASES if is_specification(document.data) else PLAN
    findings = Findings(document, form)
    steps = findings.value(form.steps)
    for index, step in enumerate(steps if isinstance(steps, list) else ()):
        name = step.get(form.id) if isinstance(step, dict) else None
        if isinstance(name, str):
            yield name, (*form.steps, index)
