"""The steps of a plan file by name: their ids, who waits for whom, and the order that follows."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cached_property

from fsm.document import Data
from fsm.plan import graph
from fsm.plan.loading import values
from fsm.plan.loading.findings import Findings, known_or_similar, quoted

__all__ = ["Roster"]

_ID = re.compile(values.ID)


class Roster:
    """The ids and dependencies of all steps, taken from what was typed, so that a step which is wrong
    otherwise does not make those that wait for it look wrong too.

    `ids` are the ids in use, in order of declaration; `dependencies` hold only these, without a step's
    own. What is wrong with them goes to `findings`.
    """

    def __init__(self, steps: Sequence[Data], findings: Findings) -> None:
        self._findings = findings
        self._form = findings.form
        self._index: dict[str, int] = {}
        self._collect(steps)
        self.ids = list(self._index)
        self.dependencies = {
            name: self._dependencies(name, steps[index]) for name, index in self._index.items()
        }

    def id_at(self, index: int) -> str:
        """The id of the step declared at `index`, "" if it has none of its own."""
        return self._by_index.get(index, "")

    @cached_property
    def order(self) -> list[str]:
        """The ids in execution order. Cycles go to `findings`; then the order is not whole."""
        ordered = graph.order(self.ids, self.dependencies)
        if len(ordered) < len(self.ids):
            for cycle in graph.find_cycles(self.ids, self.dependencies):
                self._report_cycle(cycle)
        return ordered

    def waits_for(self, later: str, earlier: str) -> bool:
        """Whether one step waits, directly or through others, for the other."""
        if earlier in self.dependencies[later]:
            return True
        if len(self.order) < len(self.ids):
            return True  # In a circle nobody can say, and the circle is reported.
        return self._ancestry(later, earlier)

    @cached_property
    def _by_index(self) -> Mapping[int, str]:
        return {index: name for name, index in self._index.items()}

    @cached_property
    def _ancestry(self) -> graph.WaitsFor:
        return graph.ancestry(self.ids, self.dependencies)

    def _collect(self, steps: Sequence[Data]) -> None:
        folded: dict[str, int] = {}
        for index, step in enumerate(steps):
            name = step.get(self._form.id) if isinstance(step, dict) else None
            if not isinstance(name, str) or not _ID.fullmatch(name):
                continue
            first = folded.setdefault(name.casefold(), index)
            if first == index:
                self._index[name] = index
                continue
            form = self._form
            line, _ = self._findings.document.position((*form.steps, first, form.id))
            other = self._findings.value((*form.steps, first, form.id))
            self._findings.add(
                (*form.steps, index, form.id),
                f"the {form.id} `{name}` is taken by {form.step} `{other}` on line {line}",
                f"{form.id}s must differ in more than case",
            )

    def _dependencies(self, name: str, step: Data) -> tuple[str, ...]:
        assert isinstance(step, dict)
        key = "depends_on" if "depends_on" in step else "dependsOn"
        typed = step.get(key)
        if not typed:
            return ()
        found: dict[str, None] = {}
        for place, other in enumerate(typed) if isinstance(typed, list) else [(None, typed)]:
            if not isinstance(other, str):
                continue  # The step's own findings say so.
            if other not in found and other != name and other in self._index:
                found[other] = None
                continue
            message, hint = self._refused(name, other, found)
            path = (*self._form.steps, self._index[name], key)
            self._findings.add(path if place is None else (*path, place), message, hint)
        return tuple(found)

    def _refused(self, name: str, other: str, found: Mapping[str, None]) -> tuple[str, str]:
        form = self._form
        if other == name:
            return f"{form.step} `{name}` depends on itself", "take it out of its `depends_on`"
        if other in found:
            return f"{form.step} `{name}` depends on `{other}` twice", "once is enough"
        return (
            f"{form.step} `{name}` depends on `{quoted(other)}`, which the {form.whole} does not have",
            known_or_similar(other, self._index, f"write the {form.id} of a {form.step}"),
        )

    def _report_cycle(self, cycle: Sequence[str]) -> None:
        index = self._index[cycle[0]]
        self._findings.add(
            self._findings.real((*self._form.steps, index, "depends_on", "dependsOn")),
            f"these {self._form.step}s wait for each other: `{' → '.join(cycle)}`",
            "take one of these dependencies out",
        )
