"""What is wrong with a plan, as a search of it shows: each finding with a scenario that reproduces it.

- `left_behind`: a run ends of its own accord, rolled back or failed, completed steps stay done, and nobody is
  asked.
- `rollback_cannot_run`: a rollback begins when outputs that it names are not there, or what they name is
  undone.
- `never_runs`: no run of the plan starts the step.
- `always_false`: the step's `if:` is false in every run, whatever the parameters and outputs are.
- `irreversible_first`: a step that cannot be undone runs before one that is likely to fail.
- `unproved_end`: a run completes without a step that proves what others did, which failed or was skipped:
  these are the exit criteria of a plan. What proves is `read_only` and waits for steps that change something.

A person counts as alerted where the run rests as paused or needs intervention, or where they asked for its
rollback themselves. A step that is `read_only` leaves nothing behind, and a failure with `on_failure:
continue` is no end. What a rollback needs is known from its templates alone: outputs of steps (`depends_on`
tells what the step itself needs, and of files nothing is known).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final, Literal, get_args

from fsm.plan.model import Plan, Step
from fsm.plan.template import TemplateError
from fsm.run.explore.outputs import Choices
from fsm.run.explore.scenario import Scenario, play, scenarios
from fsm.run.explore.search import Search
from fsm.run.explore.shown import shows
from fsm.run.explore.sights import Sight, told
from fsm.run.explore.skeleton import Need, likely_to_fail
from fsm.values import Value

__all__ = ["KINDS", "Finding", "Judge", "Kind"]

Kind = Literal[
    "left_behind",
    "rollback_cannot_run",
    "never_runs",
    "always_false",
    "irreversible_first",
    "unproved_end",
]
KINDS: Final[Sequence[Kind]] = get_args(Kind)


class Finding(Value):
    """One thing that is wrong with `steps`, ids in execution order; `others` are the steps it is due to.

    `scenario` reproduces it; `None` if no run gets as far as the step.
    """

    kind: Kind
    steps: Sequence[str]
    others: Sequence[str]
    message: str
    hint: str
    scenario: Scenario | None = None


class Judge:
    """Makes findings of what a search saw; what no scenario shows goes to `notes`."""

    def __init__(
        self,
        plan: Plan,
        search: Search,
        ways: Choices,
        needed: Sequence[Need],
        comes_to: Mapping[str, Collection[str]],
    ) -> None:
        self._plan = plan
        self._search = search
        self._ways = ways
        self._needed = needed
        self._comes_to = comes_to
        self.notes: list[str] = []

    def left_behind(self) -> Iterator[Finding]:
        """Ends that nobody is alerted to, one finding for each state in which a run ends so."""
        for sight, end in _ENDS.items():
            seen = [index for kind, index in self._search.seen.sightings if kind == sight]
            if not seen:
                continue
            steps = self._ids(seen)
            those, them = ("it", "it") if len(steps) == 1 else ("they", "them")
            message = f"a run can end as {end} by itself, with {_listed(steps)} done and not undone"
            why = f": {those} {'has' if them == 'it' else 'have'} no rollback"
            hints = {
                "left_rolled_back": f"give {them} a `rollback`, or say `read_only: true`; or have the plan's "
                "`error_handling` pause, so that somebody is asked",
                "left_failed": "have the plan's `error_handling` pause or roll back; "
                "`on_failure: skip_dependents` ends a run as failed, too",
            }
            message += f"{why if sight == 'left_rolled_back' else ''}, and nobody is asked"
            scenario = self._scenario(sight, seen)
            if scenario is not None:
                yield Finding("left_behind", steps, (), message, hints[sight], scenario)

    def rollbacks(self) -> Iterator[Finding]:
        """Rollbacks that cannot run, one finding for each step and reason."""
        for sight in ("need_missing", "need_undone"):
            for index in sorted(i for kind, i in self._search.seen.sightings if kind == sight):
                step = self._plan.steps[index].id
                others = self._ids(self._search.seen.others[sight, index])
                names = _listed([_output(need) for need in self._needed_by(step, others, sight)])
                scenario = self._scenario(sight, [index])
                if scenario is None:
                    continue
                if sight == "need_missing":
                    message = f"the rollback of `{step}` can begin when {names} is not there"
                    hint = "write `… | default('')`, or have it undone by what is known before"
                else:
                    message = f"the rollback of `{step}` names {names}, whose step can be undone before it"
                    hint = f"have `{step}` return what its rollback needs as an output of its own"
                yield Finding("rollback_cannot_run", [step], others, message, hint, scenario)

    def not_run(self) -> Iterator[Finding]:
        """Steps that no run starts, whatever its parameters and outputs; others are noted."""
        ran = {other for index in self._search.seen.ran for other in self._search.alike(index)}
        for index, step in enumerate(self._plan.steps):
            comes_to = self._comes_to[step.id]
            if index in ran:
                continue
            if not comes_to:
                before = ", ".join(f"`{name}`" for name in step.depends_on)
                message = f"`{step.id}` can never run: {before} can never be concluded"
                yield Finding("never_runs", [step.id], (), message, "see what is said of that")
            elif "true" not in comes_to:
                yield from self._never_true(index, comes_to)
            else:
                self.notes.append(_not_seen(self._plan, index))

    def _never_true(self, index: int, comes_to: Collection[str]) -> Iterator[Finding]:
        step = self._plan.steps[index]
        scenario = self._scenario("skipped" if "false" in comes_to else "rejected", [index])
        if "false" in comes_to:
            message = f"`if: {step.condition}` of `{step.id}` is always false: the step never runs"
            hint = "mend it, or leave the step out"
            if ".state" in (step.condition or ""):
                hint = "mend it; another step sees one as failed only if that says `on_failure: continue`"
            yield Finding("always_false", [step.id], (), message, hint, scenario)
        else:
            message = f"`{step.id}` can never run: `if: {step.condition}` cannot be decided"
            hint = "compare it, such as `… == 'x'`"
            yield Finding("never_runs", [step.id], (), message, hint, scenario)

    def irreversible(self) -> Iterator[Finding]:
        """Irreversible steps before one that is likely to fail, one finding for each of the latter."""
        for index, step in enumerate(self._plan.steps):
            why = likely_to_fail(self._plan, step)
            seen = next((i for i in self._search.alike(index) if self._before(i)), None)
            if not why or seen is None:
                continue
            others = self._ids(self._before(seen) - {index})
            scenario = self._scenario("irreversible_before", [seen])
            if others and scenario is not None:
                it = "it" if len(others) == 1 else "them"
                which = f"`{step.id}`, which {why}, can fail after {it}"
                message = f"{_listed(others)} cannot be undone, and {which}"
                hint = f"run `{step.id}` first, give it a `dry_run`, or give {it} a `rollback`"
                yield Finding("irreversible_first", [step.id], others, message, hint, scenario)

    def unproved(self) -> Iterator[Finding]:
        """Steps without which a run can complete although they prove what it did, one finding for each."""
        for index in sorted(i for kind, i in self._search.seen.sightings if kind == "unproved"):
            scenario = self._scenario("unproved", [index])
            if scenario is None:
                continue
            step = self._plan.steps[index]
            others = self._ids(self._search.seen.others["unproved", index])
            message = (
                f"a run can complete without `{step.id}`, which proves what {_listed(others)} did"
            )
            keys = [f"`{key}`" for key in ("if", "on_failure") if _says(step, key)]
            hint = f"take its {' and '.join(keys)} away, or have another step prove it"
            yield Finding("unproved_end", [step.id], others, message, hint, scenario)

    def _before(self, index: int) -> set[int]:
        return self._search.seen.others.get(("irreversible_before", index), set())

    def _needed_by(self, step: str, others: Sequence[str], sight: Sight) -> list[Need]:
        return [
            need
            for need in self._needed
            if need.step == step and need.of in others and (need.used or sight == "need_missing")
        ]

    def _ids(self, indexes: Collection[int]) -> list[str]:
        """The ids of the steps, and of those they were looked at in place of, in execution order."""
        found = {other for index in indexes for other in self._search.alike(index)}
        return [self._plan.steps[index].id for index in sorted(found)]

    def _scenario(self, sight: Sight, steps: Collection[int]) -> Scenario | None:
        """The plainest scenario, among the shortest, that shows the sight of one of the steps."""
        seen = [s for index in steps for s in self._search.seen.sightings.get((sight, index), ())]
        for sighting in sorted(seen, key=lambda s: s.cost)[:_TRIED]:
            for scenario in scenarios(self._plan, told(sighting.story), self._ways):
                simulator = play(self._plan, scenario)
                if simulator is not None and shows(self._plan, sighting, simulator):
                    return scenario
        if seen:
            named = ", ".join(self._ids(steps))
            self.notes.append(
                f"seen of {named}, but told by no scenario: {sight.replace('_', ' ')}"
            )
        return None


_TRIED: Final = 12
_ENDS: Final[Mapping[Sight, str]] = {"left_rolled_back": "rolled back", "left_failed": "failed"}


def _says(step: Step, key: str) -> bool:
    return step.condition is not None if key == "if" else step.on_failure != "stop"


def _not_seen(plan: Plan, index: int) -> str:
    step = plan.steps[index]
    if step.condition is not None:
        from fsm.plan.template.truth import outcomes

        anything = dict.fromkeys(plan.positions, ("completed", "failed", "skipped"))
        try:
            if "true" not in outcomes(step.condition, anything, plan.params):
                return f"with these parameters `{step.id}` is skipped: `if: {step.condition}`"
        except TemplateError:
            pass
    return f"`{step.id}` was not seen to run"


def _output(need: Need) -> str:
    return f"output `{need.name}` of `{need.of}`" if need.name else f"the outputs of `{need.of}`"


def _listed(names: Sequence[str]) -> str:
    """The names for a sentence, the first five of many."""
    shown = [name if "`" in name else f"`{name}`" for name in names[:5]]
    if len(names) > 5:
        shown.append(f"{len(names) - 5} more")
    return " and ".join(filter(None, (", ".join(shown[:-1]), shown[-1])))
