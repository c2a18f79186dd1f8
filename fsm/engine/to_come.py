"""What is not there before a run, because its steps make it (`makes:` in the plan)."""

from __future__ import annotations

import os.path
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from fsm.plan.graph import ancestry

if TYPE_CHECKING:
    from fsm.engine.ports import Inspection
    from fsm.engine.site import Site
    from fsm.plan.model import Plan, Step

__all__ = ["ToCome", "without"]


class ToCome:
    """The folders and files that steps say they make, and which of them are there for whom."""

    def __init__(self, site: Site) -> None:
        self._made = {
            step.id: [os.path.normpath(site.folder(step) / path) for path in step.makes]
            for step in site.plan.steps_with("makes")
            if step.makes
        }
        self._is_before = _order(site.plan) if self._made else None

    def before(self, step: Step) -> Sequence[str]:
        """The paths that are made before the step starts, whatever order the run takes."""
        is_before, made = self._is_before, self._made.items()
        if is_before is None:
            return ()
        return [path for maker, paths in made if is_before(maker, step.id) for path in paths]

    def after(self, step: Step) -> Sequence[str]:
        """Those, and what the step makes itself: there for its check and its rollback."""
        return [*self.before(step), *self._made.get(step.id, ())]


def without(inspection: Inspection, made: Sequence[str]) -> Inspection:
    """What is still wrong once these paths are there; without the aspects that they leave unknown."""
    if not made:
        return inspection
    left = {
        aspect: [problem for problem in problems if not _is_within(problem.lacks, made)]
        for aspect, problems in inspection.items()
    }
    return {aspect: left[aspect] for aspect in inspection if left[aspect] or not inspection[aspect]}


def _is_within(path: str, made: Sequence[str]) -> bool:
    path = os.path.normpath(path) if path else ""
    return any(path == each or path.startswith(f"{each}/") for each in made)


def _order(plan: Plan) -> Callable[[str, str], bool]:
    """Whether the first step is concluded before the second starts, in every run."""
    if plan.parallel == 1:
        return lambda earlier, later: plan.positions[earlier] < plan.positions[later]
    waits_for = ancestry([*plan.positions], {step.id: step.depends_on for step in plan.steps})
    return lambda earlier, later: waits_for(later, earlier)
