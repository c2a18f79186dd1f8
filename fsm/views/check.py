"""What an exploration found, for reading: each finding with the scenario that reproduces it, in Gherkin."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fsm.plan.duration import format_duration
from fsm.run import events as on
from fsm.run.explore import Act, Exploration, Finding, Scenario, play, stand_ins
from fsm.views.text import count, shown

if TYPE_CHECKING:
    from pydantic import JsonValue

    from fsm.plan.model import Plan
    from fsm.run.simulate import Simulator

__all__ = ["Told", "exploration_json", "exploration_text", "feature_text"]


@dataclass(frozen=True, slots=True)
class Told:
    """What the scenarios begin with: the plan's file, and what the command line says of it.

    `file` is its name as a feature names it, `places` are the line and column of each step in it.
    """

    path: str
    file: str
    params: Mapping[str, str] = field(default_factory=dict)
    parallel: int | None = None
    places: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    def place(self, finding: Finding) -> tuple[int, int]:
        """Where in the file the finding is about."""
        return self.places.get(finding.steps[0], (1, 1))


_NEVER = "crashes of the runner, pauses and aborts by persons, marks; what steps really do"


def exploration_text(plan: Plan, found: Exploration, told: Told) -> str:
    """The findings, and what was looked at to find them."""
    lines: list[str] = []
    for finding in found.findings:
        line, column = told.place(finding)
        lines.append(f"✗ {told.path}:{line}:{column}  {shown(finding.message)}")
        lines.append(f"    {shown(finding.hint)}")
        if finding.scenario is not None:
            lines += ["", *(f"    {line}" for line in _scenario_lines(plan, finding, told)), ""]
    for note in found.notes:
        lines.append(f"? {shown(note)}")
    mark, what = "✓", "nothing found"
    if found.findings:
        mark, what = "✗", count(len(found.findings), "finding")
    elif found.cut:
        mark, what = "?", "nothing found in what was looked at"
    rests = ", ".join(
        f"{number} {state.replace('_', ' ')}" for state, number in sorted(found.rests.items())
    )
    return "\n".join(
        [
            *lines,
            f"{mark} {shown(plan.name)}: {what}",
            f"  explored: {_reach(found)}",
            f"    {count(found.situations, 'state')} of a run, {count(found.ways, 'way')} between them; "
            f"where runs rest: {rests}",
            f"  not explored: {_NEVER}",
        ]
    )


def _reach(found: Exploration) -> str:
    failures, undos = found.bounds.failures, found.bounds.rollback_failures
    if failures is None and undos is None:
        reach = "every outcome of every step, any number of failures"
    else:
        many = (
            "any number of failures" if failures is None else f"up to {count(failures, 'failure')}"
        )
        undone = "any number of failed rollbacks"
        undone = undone if undos is None else f"up to {count(undos, 'failed rollback')}"
        reach = f"every outcome of every step, {many}, {undone}"
    if found.cut:
        wrong = count(max(found.reached, 1), "thing")
        reach += (
            f"; but for the bound of {count(found.bounds.situations, 'state')}, so that only runs "
            f"in which fewer than {wrong} go wrong or are asked for were all seen"
        )
    return reach


def exploration_json(plan: Plan, found: Exploration, told: Told) -> dict[str, JsonValue]:
    """The same as one JSON document."""
    findings: list[JsonValue] = []
    for finding in found.findings:
        line, column = told.place(finding)
        lines = _scenario_lines(plan, finding, told) if finding.scenario is not None else []
        findings.append(
            {
                "kind": finding.kind,
                "steps": [*finding.steps],
                "others": [*finding.others],
                "message": finding.message,
                "hint": finding.hint,
                "path": told.path,
                "line": line,
                "column": column,
                "scenario": "\n".join(lines),
            }
        )
    return {
        "plan": plan.id,
        "digest": plan.digest,
        "findings": findings,
        "notes": [*found.notes],
        "explored": {
            "situations": found.situations,
            "ways": found.ways,
            "rests": dict(found.rests),
            "failures": found.bounds.failures,
            "rollback_failures": found.bounds.rollback_failures,
            "complete": not found.cut,
            "complete_below": found.reached if found.cut else None,
        },
        "not_explored": _NEVER,
    }


def feature_text(plan: Plan, found: Exploration, told: Told) -> str:
    """A feature file with a scenario for each finding that has one."""
    lines = [f"Feature: What was found of {shown(plan.name)}", ""]
    titles: list[str] = []
    for finding in found.findings:
        if finding.scenario is not None:
            title, *rest = _scenario_lines(plan, finding, told)
            titles.append(title)
            again = titles.count(title)
            lines.append(f"  {title}" + (f" ({again})" if again > 1 else ""))
            lines += [*(f"  {line}" for line in rest), ""]
    return "\n".join(lines).rstrip("\n") + "\n"


def _scenario_lines(plan: Plan, finding: Finding, told: Told) -> list[str]:
    """The finding's scenario, in the sentences of the vocabulary (`fsm.spec`)."""
    assert finding.scenario is not None
    simulator = play(plan, finding.scenario)
    assert simulator is not None
    said = [*_said(plan, finding.scenario, told), *_came_of_it(finding, simulator)]
    lines, before = [f"Scenario: {_title(finding)}"], ""
    for name, value in told.params.items():
        if not _can_be_said(value):
            lines.append(f"  # no sentence can say {name}={shown(value)}: let the plan say it")
    for keyword, sentence in said:
        first, *text = sentence.split("\n")
        lines.append(f"  {'And' if keyword == before else keyword} {first}")
        lines += [f"    {line}" for line in text]
        before = keyword
    return lines


def _can_be_said(value: str) -> bool:
    """Whether a sentence can give it, between quotes or below."""
    return '"""' not in value and all(line == shown(line) for line in value.split("\n"))


def _giving(sentence: str, value: str) -> str:
    """The sentence with the value at its end; with a text of several lines, or one with quotes, below."""
    if '"' in value or "\n" in value:
        return "\n".join([f"{sentence}:", '"""', *value.split("\n"), '"""'])
    return f'{sentence} "{value}"'


def _title(finding: Finding) -> str:
    if finding.kind in {"always_false", "never_runs"}:
        return f"{finding.steps[0]} never runs"
    return shown(finding.message.replace("`", ""))


def _said(plan: Plan, scenario: Scenario, told: Told) -> Iterator[tuple[str, str]]:
    yield "Given", f'the approved plan "{told.file}"'
    for name, value in told.params.items():
        if _can_be_said(value):
            yield "Given", _giving(f'the parameter "{name}" is', value)
    if told.parallel is not None:
        yield "Given", f"up to {told.parallel} steps run at once"
    returned = dict(stand_ins(plan))
    for number, act in enumerate(scenario.acts):
        for step, outputs in act.returns.items():
            for sentence in _returns(step, outputs, returned.get(step, {})):
                yield ("When" if number else "Given"), sentence
            returned[step] = outputs
        for sentence in _arranged(act):
            yield ("When" if number else "Given"), sentence
        yield "When", _ASKED[act.asked].format(step=act.step)


_ASKED = {
    "run": "somebody runs the plan",
    "resume": "somebody resumes the run",
    "from": 'somebody resumes the run from "{step}"',
    "rollback": "somebody rolls the run back",
}


def _returns(step: str, outputs: Mapping[str, str], so_far: Mapping[str, str]) -> Iterator[str]:
    if so_far.keys() - outputs.keys():
        so_far = {}
        yield f'the step "{step}" returns nothing'
    for name, value in outputs.items():
        if so_far.get(name) != value:
            yield _giving(f'the step "{step}" returns "{name}" as', value)


def _arranged(act: Act) -> Iterator[str]:
    for step, seconds in act.takes.items():
        yield f'the step "{step}" takes {format_duration(seconds)}'
    for steps, sentence in (
        (act.succeeds, 'the step "{}" succeeds'),
        (act.fails, 'the step "{}" fails'),
        (act.rollback_succeeds, 'the rollback of "{}" succeeds'),
        (act.rollback_fails, 'the rollback of "{}" fails'),
    ):
        for step in steps:
            yield sentence.format(step)


def _came_of_it(finding: Finding, simulator: Simulator) -> Iterator[tuple[str, str]]:
    run = simulator.run
    yield "Then", f"the run is {run.state.replace('_', ' ')}"
    seen: Sequence[str] = [*finding.others, *finding.steps]
    if finding.kind == "rollback_cannot_run":
        undone = [e.step for e in simulator.journal if isinstance(e, on.UndoCompleted)]
        if undone:
            yield "Then", f"the steps rolled back are {_names(undone)}"
        if run.state == "needs_intervention":
            yield "Then", "somebody is alerted"
        return
    if finding.kind == "left_behind":
        yield "Then", "nobody is alerted"
        seen = [step for step in seen if run.record(step).outstanding]
    if finding.kind == "irreversible_first":
        seen = [
            *(step for step in finding.others if run.record(step).outstanding),
            *finding.steps,
        ]
    if finding.kind in {"always_false", "never_runs"}:
        yield "Then", f'the step "{finding.steps[0]}" never ran'
    for step in seen[:5]:
        yield "Then", f'the step "{step}" is {run.record(step).state.replace("_", " ")}'


def _names(steps: Sequence[str]) -> str:
    quoted = [f'"{step}"' for step in steps]
    return " and ".join(filter(None, (", ".join(quoted[:-1]), quoted[-1])))
