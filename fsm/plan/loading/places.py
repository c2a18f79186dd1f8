"""Where the steps of a plan stand in its file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from fsm.document import Document, Path
from fsm.plan.loading.findings import PHASES, PLAN, Findings
from fsm.plan.loading.load import is_specification

__all__ = ["step_paths", "step_places"]


def step_paths(document: Document) -> Mapping[str, Path]:
    """The path of each step, or phase, in the data of a document that is a valid plan, by its id."""
    return dict(_paths(document))


def step_places(document: Document) -> Mapping[str, tuple[int, int]]:
    """Line and column, from 1, of each step."""
    return {name: document.position(path) for name, path in _paths(document)}


def _paths(document: Document) -> Iterator[tuple[str, Path]]:
    form = PHASES if is_specification(document.data) else PLAN
    findings = Findings(document, form)
    steps = findings.value(form.steps)
    for index, step in enumerate(steps if isinstance(steps, list) else ()):
        name = step.get(form.id) if isinstance(step, dict) else None
        if isinstance(name, str):
            yield name, (*form.steps, index)
