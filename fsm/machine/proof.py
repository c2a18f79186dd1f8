"""What can be known of a table before it runs: every finding, each at its place in the table.

Conditions count as independent truths and rows as conjunctions of them, so the proof covers every
record there could ever be; a table that is right only because two conditions never hold together
must say so with `unless`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from fsm.document import Path, suggest
from fsm.machine.spec import MachineSpec, Row

__all__ = ["Finding", "find_gap", "find_unknown_conditions", "prove", "prove_rows"]

_MAX_NAMES = 12
"""Conditions of one (state, fact) pair up to which gaps are searched: 4,096 cases."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong with a table. `path` leads to it in the data the table was read from.

    `related` leads to the other row, when there are two; () when not.

    `code` is one of: unknown-state, unknown-condition, unknown-fact, duplicate-row, overlap,
    row-never-fires, unreachable-state, dead-end, gap, gap-not-proved, fact-leaves-final.
    """

    code: str
    path: Path
    message: str
    hint: str = ""
    related: Path = ()


def prove(spec: MachineSpec, conditions: Collection[str] | None = None) -> list[Finding]:
    """Every finding, kind by kind; an empty list is the proof.

    `conditions` are the names that exist; None: any may, and none is looked up. While a state is
    unknown, nobody knows what leads where: reachability and dead ends wait for the next proof.
    """
    unknown_states = list(_unknown_states(spec))
    checks: list[Iterable[Finding]] = [
        unknown_states,
        find_unknown_conditions(spec, conditions),
        _unknown_facts(spec),
        _competing_rows(spec),
        _gaps(spec),
        _facts_in_final_states(spec),
    ]
    if not unknown_states:
        checks += [_unreachable(spec), _dead_ends(spec)]
    return [finding for check in checks for finding in check]


def prove_rows(spec: MachineSpec, conditions: Collection[str] | None = None) -> list[Finding]:
    """The findings of `prove` that stand whatever rows may be added, for a table that is read in part."""
    checks = [
        _unknown_states(spec),
        find_unknown_conditions(spec, conditions),
        _competing_rows(spec),
        _facts_in_final_states(spec),
    ]
    return [finding for check in checks for finding in check]


def find_gap(rows: Sequence[Mapping[str, bool]]) -> dict[str, bool] | None:
    """A case in which no row holds, as what is true and false in it; None if there is none.

    Names that make no difference are left out. The time doubles with every name at worst.
    """
    if any(not row for row in rows):
        return None
    if not rows:
        return {}
    name = next(iter(rows[0]))
    for value in (True, False):
        rest = [
            {other: wanted for other, wanted in row.items() if other != name}
            for row in rows
            if row.get(name, value) is value
        ]
        gap = find_gap(rest)
        if gap is not None:
            return {name: value, **gap}
    return None


def _unknown_states(spec: MachineSpec) -> Iterator[Finding]:
    named: list[tuple[Path, str]] = [(("initial",), spec.initial)]
    for index, row in enumerate(spec.rows):
        named += [(("rows", index, "source", at), state) for at, state in enumerate(row.source)]
        named.append((("rows", index, "dest"), row.dest))
    for path, state in named:
        if state not in spec.states:
            hint = suggest(state, spec.states) or "declare it under `states`"
            yield Finding("unknown-state", path, f"`{state}` is no state", hint)


def find_unknown_conditions(
    spec: MachineSpec, conditions: Collection[str] | None
) -> Iterator[Finding]:
    """The part of the proof that asks only whether each condition's name exists."""
    if conditions is None:
        return
    for index, row in enumerate(spec.rows):
        for key, names in (("conditions", row.conditions), ("unless", row.unless)):
            for at, name in enumerate(names):
                if name not in conditions:
                    hint = suggest(name, conditions) or f"known: {_listed(conditions) or 'none'}"
                    path: Path = ("rows", index, key, at)
                    yield Finding("unknown-condition", path, f"`{name}` is no condition", hint)


def _unknown_facts(spec: MachineSpec) -> Iterator[Finding]:
    triggers = spec.triggers()
    for index, fact in enumerate(spec.facts):
        if fact not in triggers:
            hint = suggest(fact, triggers) or "add its rows, or remove it"
            message = f"no row has the fact `{fact}` as its trigger"
            yield Finding("unknown-fact", ("facts", index), message, hint)


def _competing_rows(spec: MachineSpec) -> Iterator[Finding]:
    for index, row in enumerate(spec.rows):
        if names := _contradictions(row):
            path: Path = ("rows", index, "unless")
            message = f"the row never fires: it wants {_listed(names)} and its opposite"
            yield Finding("row-never-fires", path, message, "keep one of the two")
    shared: dict[tuple[int, int], list[str]] = {}
    for (state, _), indices in _pairs(spec).items():
        for pair in combinations(indices, 2):
            shared.setdefault(pair, []).append(state)
    for (first, second), states in sorted(shared.items()):
        finding = _compare(
            spec, first, second, f"`{spec.rows[first].trigger}` in {_listed(states)}"
        )
        if finding is not None:
            yield finding


def _compare(spec: MachineSpec, first: int, second: int, where: str) -> Finding | None:
    one, other = spec.rows[first], spec.rows[second]
    if not _can_hold_together(one.literals, other.literals):
        return None
    path: Path = ("rows", second)
    related: Path = ("rows", first)
    if one.literals == other.literals and one.dest == other.dest:
        message = f"{where}: the same as row {first + 1}"
        return Finding("duplicate-row", path, message, "remove one of the two", related)
    if one.literals.items() <= other.literals.items():
        message = f"{where}: never fires, because row {first + 1} takes every case before it"
        hint = "give the two rows conditions that exclude each other"
        return Finding("row-never-fires", path, message, hint, related)
    case = _case(dict(one.literals) | dict(other.literals))
    message = f"{where}: holds together with row {first + 1} when {case}"
    hint = "add an `unless` to one of the two"
    return Finding("overlap", path, message, hint, related)


def _unreachable(spec: MachineSpec) -> Iterator[Finding]:
    reached = _closure([spec.initial], _edges(spec))
    for state in spec.states:
        if state not in reached:
            message = f"no row leads to the state `{state}`, and it is not the initial one"
            hint = "add a row that leads to it from a state that is reached, or remove it"
            yield Finding("unreachable-state", ("states", state), message, hint)
    for index, row in enumerate(spec.rows):
        if row.source and not reached.intersection(row.source):
            message = f"the row never fires: nothing reaches {_listed(row.source)}"
            yield Finding("row-never-fires", ("rows", index, "source"), message, "remove it")


def _dead_ends(spec: MachineSpec) -> Iterator[Finding]:
    finals = [name for name, state in spec.states.items() if state.final]
    if not finals:
        hint = "say `final: true` at the states where it ends"
        yield Finding("dead-end", ("states",), "no state is final: the machine never ends", hint)
        return
    ending = _closure(finals, [(dest, source) for source, dest in _edges(spec)])
    for state in spec.states:
        if state not in ending:
            message = f"from the state `{state}` there is no way to a final one"
            hint = "add a row that leads on, or say `final: true`"
            yield Finding("dead-end", ("states", state), message, hint)


def _gaps(spec: MachineSpec) -> Iterator[Finding]:
    for (state, trigger), indices in _pairs(spec).items():
        if trigger not in spec.facts:
            continue
        rows = [spec.rows[index].literals for index in indices]
        path: Path = ("rows", indices[0])
        names = {name for literals in rows for name in literals}
        if len(names) > _MAX_NAMES:
            message = f"`{trigger}` in `{state}`: {len(names)} conditions are too many to prove"
            hint = f"use at most {_MAX_NAMES}"
            yield Finding("gap-not-proved", path, message, hint)
        elif (gap := find_gap(rows)) is not None:
            message = f"`{trigger}` in `{state}`: a fact, but no row takes it when {_case(gap)}"
            yield Finding("gap", path, message, "add a row for this case")


def _facts_in_final_states(spec: MachineSpec) -> Iterator[Finding]:
    for index, row in enumerate(spec.rows):
        for at, state in enumerate(row.source):
            if row.trigger in spec.facts and state in spec.states and spec.states[state].final:
                path: Path = ("rows", index, "source", at)
                message = f"the fact `{row.trigger}` cannot happen in `{state}`, which is final"
                hint = f"remove `{state}` from the sources, or `{row.trigger}` from the facts"
                yield Finding("fact-leaves-final", path, message, hint)


def _pairs(spec: MachineSpec) -> dict[tuple[str, str], list[int]]:
    """For each state and trigger the rows that could fire, by their index."""
    pairs: dict[tuple[str, str], list[int]] = {}
    for index, row in enumerate(spec.rows):
        if not _contradictions(row):
            for state in row.source:
                pairs.setdefault((state, row.trigger), []).append(index)
    return pairs


def _edges(spec: MachineSpec) -> list[tuple[str, str]]:
    """Each state and where a row leads from it; a row that another takes every case of has none."""
    edges = []
    for (state, _), indices in _pairs(spec).items():
        for at, index in enumerate(indices):
            wanted = spec.rows[index].literals.items()
            if not any(spec.rows[i].literals.items() <= wanted for i in indices[:at]):
                edges.append((state, spec.rows[index].dest))
    return edges


def _closure(starts: Iterable[str], edges: Iterable[tuple[str, str]]) -> set[str]:
    following: dict[str, list[str]] = {}
    for source, dest in edges:
        following.setdefault(source, []).append(dest)
    reached = set(starts)
    waiting = list(reached)
    while waiting:
        new = [state for state in following.get(waiting.pop(), ()) if state not in reached]
        reached.update(new)
        waiting += new
    return reached


def _contradictions(row: Row) -> list[str]:
    return [name for name in row.conditions if name in row.unless]


def _can_hold_together(one: Mapping[str, bool], other: Mapping[str, bool]) -> bool:
    return all(other.get(name, wanted) is wanted for name, wanted in one.items())


def _case(truths: Mapping[str, bool]) -> str:
    said = [f"`{name}`" if holds else f"not `{name}`" for name, holds in truths.items()]
    return " and ".join(said)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
