"""Tables from files: read, checked and proved, each problem with its line."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from typing import Any, cast

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from fsm.document import Document, Path, parse_document, read_document, suggest
from fsm.errors import Invalid, Problem
from fsm.machine.authored import AuthoredMachine, AuthoredRow, AuthoredState
from fsm.machine.proof import Finding, prove, prove_rows
from fsm.machine.spec import MachineSpec

__all__ = ["is_machine", "load_machine", "parse_machine"]


def load_machine(
    path: os.PathLike[str] | str, conditions: Collection[str] | None = None
) -> MachineSpec:
    """Read and prove the machine in the file at `path`; see `parse_machine`."""
    return _proved(read_document(path, lenient=True), conditions)


def parse_machine(text: str, path: str, conditions: Collection[str] | None = None) -> MachineSpec:
    """Read and prove the machine in `text`, which messages call `path`.

    Raises Invalid with every problem: if it is no YAML, those of its syntax; else whatever is no part of a
    machine, and all that the proof finds, of a table with such parts as far as they cannot mend it.
    `conditions` are the names that exist; None: not looked up.
    """
    return _proved(parse_document(text, path, lenient=True), conditions)


def is_machine(document: Document) -> bool:
    """Whether its author meant a machine, however wrong: states or rows, and neither plan nor phases."""
    data = document.data
    return isinstance(data, dict) and bool({"states", "rows"} & data.keys()) and "plan" not in data


def _proved(document: Document, conditions: Collection[str] | None) -> MachineSpec:
    problems = list(document.duplicates)
    try:
        spec = _spec(document)
    except ValidationError as error:
        details = error.errors(include_url=False)
        problems += [_from_pydantic(document, detail) for detail in details]
        findings = _of_the_rest(document, details, conditions)
    else:
        findings = prove(spec, conditions)
    problems += [_from_finding(document, finding) for finding in findings]
    if problems:
        raise Invalid(problems)
    return spec


def _spec(document: Document) -> MachineSpec:
    if not isinstance(document.data, dict):
        keys = ", ".join(f"`{key}`" for key in AuthoredMachine.model_fields)
        raise Invalid([document.problem((), "is no machine", f"write a mapping with {keys}")])
    return AuthoredMachine.model_validate(document.data).spec()


def _of_the_rest(
    document: Document, details: Sequence[ErrorDetails], conditions: Collection[str] | None
) -> list[Finding]:
    """What the proof finds in the parts of the table that are in order, whatever the others may be.

    Of rows and states that cannot be read nothing counts, and only those findings do that stand however
    these were meant. [] if too little is in order.
    """
    data = dict(cast("dict[str, Any]", document.data))
    rows, states = data.get("rows"), data.get("states")
    if not isinstance(rows, list) or not isinstance(states, dict) or not states:
        return []
    wrong = {detail["loc"][:2] for detail in details}
    # A row from nowhere says nothing, and keeps the numbers of those after it.
    blank = {"trigger": "unread", "source": [], "dest": next(iter(states)), "why": "unread"}
    data["rows"] = [blank if ("rows", n) in wrong else row for n, row in enumerate(rows)]
    data["states"] = {
        name: {} if ("states", name) in wrong else state for name, state in states.items()
    }
    for key, *inner in wrong:
        if not inner:
            data.pop(str(key), None)
    data = {"name": "machine", "initial": next(iter(states)), **data}
    try:
        spec = AuthoredMachine.model_validate(data).spec()
    except ValidationError:
        return []
    return prove_rows(spec, conditions)


def _from_finding(document: Document, finding: Finding) -> Problem:
    hint = finding.hint
    if finding.related:
        line, _ = document.position(finding.related)
        hint += f" (the other is on line {line})"
    return document.problem(finding.path, finding.message, hint)


def _from_pydantic(document: Document, detail: ErrorDetails) -> Problem:
    path: Path = tuple(part for part in detail["loc"] if part != "[key]")
    key = path[-1]
    part, model = _part(path[:-1])
    match detail["type"]:
        case "extra_forbidden":
            known = list(model.model_fields)
            if detail["input"] is None and " " in str(key):
                hint = "inside `{ }` a comma ends a text; quote the text"
            else:
                hint = suggest(str(key), known) or f"known: {', '.join(known)}"
            return document.problem(path, f"{part} has no key `{key}`", hint)
        case "missing":
            return document.problem(path, f"{part} has no `{key}`", f"add `{key}:`")
        case "value_error":
            reason = detail["msg"].removeprefix("Value error, ")
            return document.problem(path, f"`{_shown(detail['input']) or key}` {reason}")
    reason = _TYPES.get(detail["type"], detail["msg"])
    shown = _shown(detail["input"])
    name = f"`{key}`" if isinstance(key, str) else f"item {key + 1} of `{path[-2]}`"
    return document.problem(path, f"{name} {reason}, not {shown}")


_TYPES = {
    "string_type": "must be text",
    "bool_type": "must be true or false",
    "tuple_type": "must be a list",
    "dict_type": "must be a mapping",
    "model_type": "must be a mapping",
}


def _part(path: Path) -> tuple[str, type[BaseModel]]:
    match path:
        case ("states", name):
            return f"the state `{name}`", AuthoredState
        case ("rows", int(index)):
            return f"row {index + 1}", AuthoredRow
        case _:
            return "the machine", AuthoredMachine


def _shown(value: object) -> str:
    match value:
        case None:
            return "nothing"
        case bool():
            return str(value).lower()
        case dict():
            return "a mapping"
        case list() | tuple():
            return "a list"
        case _:
            text = " ".join(str(value).split())
            return text if len(text) <= 40 else f"{text[:37]}..."
