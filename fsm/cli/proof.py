"""Proof before running: what may happen to a run of a plan, and what good practice says of it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fsm.cli.options import plan_options, plan_settings, read_plan, values
from fsm.cli.output import Output
from fsm.errors import Invalid, Problem

if TYPE_CHECKING:
    from fsm.plan.model import Plan

__all__ = ["check", "lint"]

_SMALL = 12
"""A plan of at most so many steps is explored exhaustively, if nothing else is said."""

_STATES = 50_000
_STEPS = 20_000_000
"""So many states of a run are looked at, and so many steps in all of them."""

_KINDS = (
    "left_behind",
    "rollback_cannot_run",
    "never_runs",
    "always_false",
    "irreversible_first",
    "unproved_end",
)


@click.command()
@plan_options
@click.option(
    "--failures",
    type=click.IntRange(0),
    metavar="N",
    help="Explore runs in which up to N attempts of steps fail. [default: any number; 2 if the plan has "
    "more than 12 steps]",
)
@click.option(
    "--rollback-failures",
    type=click.IntRange(0),
    metavar="N",
    help="… and up to N rollbacks of steps. [default: any number; 1 if the plan has more than 12 steps]",
)
@click.option("--exhaustive", is_flag=True, help="Explore any number of failures.")
@click.option(
    "--states",
    "situations",
    type=click.IntRange(1),
    metavar="N",
    help="Look at no more than N states of a run. [default: 50000; fewer if the plan has more than 400 "
    "steps]",
)
@click.option(
    "--ignore",
    type=click.Choice(_KINDS),
    multiple=True,
    help="Do not tell findings of this kind. [repeatable]",
)
@click.option(
    "-o",
    "--output",
    "target",
    metavar="FILE",
    type=click.Path(readable=False),
    help="Write the scenarios to a feature file, for `fsm test`.",
)
def check(
    file: str,
    params: tuple[str, ...],
    parallel: int | None,
    skills: tuple[str, ...],
    as_json: bool,
    failures: int | None,
    rollback_failures: int | None,
    exhaustive: bool,
    situations: int | None,
    ignore: tuple[str, ...],
    target: str | None,
) -> int:
    """Explore what may happen to a run of a plan; nothing is run.

    Every step may succeed or fail, in every order, and so may its rollback. Told is what goes wrong, each
    with a shortest scenario that reproduces it. Exits with 1 if anything is found.
    """
    from dataclasses import replace

    from fsm.document import read_document
    from fsm.plan import step_places
    from fsm.run.explore import Bounds, explore
    from fsm.views.check import Told, exploration_json, exploration_text, feature_text

    output = Output(json=as_json)
    if exhaustive and (failures is not None or rollback_failures is not None):
        raise click.UsageError("--exhaustive leaves no room for --failures: give one of them")
    plan = _shown(read_plan(file, params, parallel, skills))
    most = min(_STATES, _STEPS // len(plan.steps)) if situations is None else situations
    bounds = Bounds(failures, rollback_failures, most)
    if len(plan.steps) > _SMALL and not exhaustive:
        bounds = Bounds(
            2 if failures is None else failures,
            1 if rollback_failures is None else rollback_failures,
            most,
        )
    found = explore(plan, bounds)
    kept = tuple(finding for finding in found.findings if finding.kind not in ignore)
    found = replace(found, findings=kept)
    places = step_places(read_document(Path(file), lenient=True))
    told = Told(file, Path(file).name, values(params), parallel, places)
    if target is not None:
        beside = replace(told, file=os.path.relpath(file, Path(target).parent))
        _write(target, feature_text(plan, found, beside))
    output.document(exploration_json(plan, found, told))
    output.line(exploration_text(plan, found, told))
    return 1 if kept else 0


@click.command()
@click.argument("file", metavar="[FILE]", required=False, type=click.Path(readable=False))
@plan_settings
@click.option(
    "--ignore",
    metavar="RULE",
    multiple=True,
    help="Leave this rule out; a comment `# fsm: ignore RULE` does so for a step, or before `plan:` for the "
    "whole file. [repeatable]",
)
@click.option(
    "--explain",
    metavar="[RULE]",
    is_flag=False,
    flag_value="",
    help="Say what a rule asks for, why, and show a plan that breaks it and one that keeps it; without RULE, "
    "list all.",
)
def lint(
    file: str | None,
    params: tuple[str, ...],
    parallel: int | None,
    skills: tuple[str, ...],
    as_json: bool,
    ignore: tuple[str, ...],
    explain: str | None,
) -> int:
    """Hold a plan to the rules of good practice. Exits with 1 if one is broken.

    The plan is valid all the same, and runs.
    """
    from fsm.document import read_document
    from fsm.plan.lint import lint as look
    from fsm.views.lint import lint_json, lint_text

    output = Output(json=as_json)
    if explain is not None:
        return _explain(explain, output)
    if file is None:
        raise click.UsageError("Missing argument 'FILE'; or ask about the rules with --explain")
    plan = _shown(read_plan(file, params, parallel, skills))
    findings = look(plan, read_document(Path(file), lenient=True), ignore)
    output.document(lint_json(plan, findings))
    output.line(lint_text(plan, findings))
    return 1 if findings else 0


def _explain(name: str, output: Output) -> int:
    from fsm.document import suggest
    from fsm.plan.lint import RULES
    from fsm.views.lint import rule_json, rule_text, rules_text

    if not name:
        output.document({"rules": [rule_json(rule) for rule in RULES.values()]})
        output.line(rules_text())
        return 0
    if name not in RULES:
        hint = suggest(name, RULES) or "see: fsm lint --explain"
        raise Invalid([Problem(f"there is no rule `{name}`", hint)])
    output.document(rule_json(RULES[name]))
    output.line(rule_text(RULES[name]))
    return 0


def _shown(plan: Plan) -> Plan:
    """The plan, whose texts are to be printed. Raises `Invalid` if the value of a secret stands in it."""
    from fsm.engine.preflight import exposed

    if problems := exposed(plan, os.environ):
        raise Invalid(problems)
    return plan


def _write(target: str, text: str) -> None:
    if not target.endswith(".feature"):
        raise Invalid([Problem(f"{target} is no feature file", "name it SOMETHING.feature")])
    try:
        Path(target).write_text(text, encoding="utf-8")
    except OSError as error:
        raise Invalid([Problem(f"cannot write {target}: {error.strerror}")]) from None
