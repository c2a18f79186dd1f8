"""`fsm machine …`: a state machine of anybody's own, checked, drawn, read as a table, and driven by hand."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from fsm.cli.diagrams import machine_drawn
from fsm.cli.options import json_option
from fsm.cli.output import Output, answer
from fsm.cli.pictures import chosen, picture_options, put, width
from fsm.errors import Invalid, Problem, TransitionRefused

if TYPE_CHECKING:
    from pydantic import JsonValue

    from fsm.machine import Machine, MachineSpec
    from fsm.machine.manual import Firing, ManualRecord

__all__ = ["machine"]

machine_file = click.argument("file", metavar="FILE", type=click.Path(readable=False))


@click.group()
def machine() -> None:
    """Check, draw and drive a state machine of your own, in YAML."""


@machine.command()
@machine_file
@json_option
def check(file: str, as_json: bool) -> None:
    """Prove a machine, and tell all that is wrong with it.

    Each finding has its line and the next move.
    """
    from fsm.machine import load_machine
    from fsm.views.machine_table import machine_json, summary

    output = Output(json=as_json)
    spec = load_machine(file)
    output.document({**machine_json(spec), "proved": True})
    output.line(f"✓ {summary(spec)}")
    output.line(
        "  proved: every state is reached and leads to an end; no two rows compete"
        + ("; no fact is ever left untaken" if spec.facts else "")
    )


@machine.command()
@machine_file
@picture_options
@json_option
def draw(file: str, format_: str | None, target: str | None, as_json: bool) -> None:
    """Draw a machine, as `fsm diagram FILE` does."""
    output = Output(json=as_json)
    language = chosen(output, format_, target, file)
    put(output, {"view": "machine"}, machine_drawn(file), language, target)


@machine.command()
@machine_file
@json_option
def table(file: str, as_json: bool) -> None:
    """Print a machine's transition table.

    The rows of its scenarios stand apart.
    """
    from fsm.machine import load_machine
    from fsm.views.machine_table import machine_json, table_text

    output = Output(json=as_json)
    spec = load_machine(file)
    output.document(machine_json(spec))
    output.line(table_text(spec, width()))


@machine.command()
@machine_file
@click.argument("triggers", metavar="[TRIGGER[:CONDITION,…]]...", nargs=-1)
@click.option(
    "--from", "from_state", metavar="STATE", help="Begin there. [default: the initial one]"
)
@click.option(
    "--holds",
    metavar="CONDITION",
    multiple=True,
    help="It holds throughout, whatever is fired. [repeatable]",
)
@click.option("--keep-going", is_flag=True, help="Go on after a refusal.")
@json_option
def run(
    file: str,
    triggers: tuple[str, ...],
    from_state: str | None,
    holds: tuple[str, ...],
    keep_going: bool,
    as_json: bool,
) -> int:
    """Fire triggers at a machine, and tell what each of them does.

    A trigger is written with the conditions that hold while it is fired, `unlock:key_fits`, several with
    commas between; all others do not hold. Without any, they are asked for on a terminal; elsewhere stdin
    gives one a line, and `#` begins a comment. A refusal names the conditions that fail and what is
    possible instead; it ends the list with exit code 6.
    """
    from fsm.machine import load_machine
    from fsm.machine.manual import ManualRecord, manual_machine

    output = Output(json=as_json)
    spec = load_machine(file)
    record = ManualRecord(_state(spec, from_state))
    asked = not triggers and output.can_ask
    given = [] if asked else _firings(spec, triggers or _lines(), holds)
    driven = manual_machine(spec)
    output.line(f"  {spec.name} is {record.state}")
    told: list[dict[str, JsonValue]] = []
    refused = False
    for firing in _asked(output, spec, record, holds) if asked else given:
        told.append(_fire(output, driven, record, firing))
        refused = refused or told[-1]["dest"] is None
        if refused and not (asked or keep_going):
            break
    final = spec.states[record.state].final
    output.document({"machine": spec.name, "state": record.state, "final": final, "fired": [*told]})
    left = len(given) - len(told)
    if left > 0:
        output.line(f"  not fired: {', '.join(map(str, given[-left:]))}")
    output.line(f"  {spec.name} is {record.state}" + (", which is final" if final else ""))
    return 6 if refused and not asked else 0


def _fire(
    output: Output, driven: Machine[ManualRecord], record: ManualRecord, firing: Firing
) -> dict[str, JsonValue]:
    """Fire it, print what came of it, and return that; `dest` is null if it was refused."""
    from fsm.machine.manual import row_taken

    source = record.state
    row = row_taken(driven.spec, source, firing)
    record.holding = firing.holding
    told: dict[str, JsonValue] = {
        "trigger": firing.trigger,
        "holding": list(firing.holding),
        "source": source,
        "dest": None,
    }
    try:
        driven.fire(record, firing.trigger)
    except TransitionRefused as refusal:
        output.line(f"✗ {refusal.message}\n    {refusal.hint}")
        return {**told, "failed": list(refusal.failed), "allowed": list(refusal.allowed)}
    assert row is not None
    output.line(f"✓ {firing}: {source} → {record.state}   {row.why}")
    return {**told, "dest": record.state, "why": row.why, "scenario": row.scenario}


def _state(spec: MachineSpec, name: str | None) -> str:
    from fsm.document import suggest

    if name is None or name in spec.states:
        return name or spec.initial
    hint = suggest(name, spec.states) or f"the states are: {', '.join(spec.states)}"
    raise Invalid([Problem(f"{spec.name} has no state `{name}`", hint)])


def _lines() -> Iterator[str]:
    """The triggers on stdin, without blank lines and comments."""
    if sys.stdin.isatty():
        raise Invalid(
            [Problem("no trigger is given", "write TRIGGER[:CONDITION,…], or pipe them to stdin")]
        )
    for line in sys.stdin:
        text = line.partition("#")[0].strip()
        if text:
            yield text


def _firings(spec: MachineSpec, texts: Iterable[str], holds: Sequence[str]) -> list[Firing]:
    """All of them. Raises `Invalid` with every unknown name before anything is fired."""
    from fsm.machine.manual import parse_firing, unknown_conditions

    firings, problems = [], unknown_conditions(spec, holds, "--holds")
    for number, text in enumerate(texts, 1):
        firing, wrong = parse_firing(text, spec, f"trigger {number}")
        problems += wrong
        firings.append(_holding(firing, holds))
    if problems:
        raise Invalid(problems)
    return firings


def _holding(firing: Firing, more: Sequence[str]) -> Firing:
    return replace(firing, holding=tuple(dict.fromkeys((*firing.holding, *more))))


def _asked(
    output: Output, spec: MachineSpec, record: ManualRecord, holds: Sequence[str]
) -> Iterator[Firing]:
    """What a person types, until `quit` or the end of the input; conditions that matter are asked for."""
    from fsm.machine.manual import parse_firing
    from fsm.views.machine_table import triggers_text

    _firings(spec, (), holds)
    while True:
        output.line(triggers_text(spec, record.state, width()) or "  nothing can be fired here")
        typed = answer(
            lambda: click.prompt(f"{record.state}> (or quit)", prompt_suffix=" "), otherwise="quit"
        )
        if typed.strip() in {"quit", "q", "exit"}:
            return
        firing, problems = parse_firing(typed, spec)
        if problems:
            output.line("\n".join(f"✗ {problem}" for problem in problems))
            continue
        firing = _holding(firing, holds)
        yield firing if ":" in typed else _holding(firing, _answers(spec, record.state, firing))


def _answers(spec: MachineSpec, state: str, firing: Firing) -> list[str]:
    """The conditions on which the firing depends that hold, as a person says."""
    rows = spec.rows_from(state, firing.trigger)
    open_ = {name: None for row in rows for name in row.literals if name not in firing.holding}
    return [name for name in open_ if _says_yes(f"  does `{name}` hold?")]


def _says_yes(question: str) -> bool:
    return answer(lambda: click.confirm(question), otherwise=False)
