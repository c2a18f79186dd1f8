"""Every case of a condition that only compares: what it may come to is then known, not guessed.

`params.n > 5 and params.n < 2` asks one thing twice, so its parts do not come out freely. Where each unknown
is only compared with what is known, all values fall into few cases, by what they equal and lie between; one
value of each is tried.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice, pairwise, product
from typing import Final, Literal

from jinja2 import nodes

from fsm.plan.template import evaluate
from fsm.plan.template.compiled import Compiled
from fsm.plan.template.terms import TemplateError

__all__ = ["Path", "cases"]

Path = tuple[str | None, ...]

_MOST: Final = 4096
"""So many cases are tried; a condition that has more may come to anything."""

_ANYTHING: Final[Sequence[object]] = (
    *(True, False, None, "true", "false", "", "some other text", float("nan")),
)
_LARGEST: Final = 2**40
"""Beyond, numbers have no others between them."""

_MISSING: Final = object()
_EQUAL: Final = {"eq", "ne"}
_ORDERED: Final = {"lt", "lteq", "gt", "gteq"}


def cases(
    expression: str,
    tree: nodes.Node,
    unknown: Callable[[nodes.Node], bool],
    path_of: Callable[[nodes.Node], Path],
    context: Mapping[str, object],
) -> frozenset[Literal["true", "false", "error"]] | None:
    """What the expression may come to, whatever the unknown parameters and outputs are.

    `None` if it does anything else with them than to compare them with what the `context` knows.
    """
    compared: dict[Path, list[object]] = {}
    try:
        for path, value in _compared(tree, unknown, path_of, context):
            compared.setdefault(path, []).append(value)
    except (_NotPlainError, TemplateError):
        return None
    if any(one != other and one == other[: len(one)] for one in compared for other in compared):
        return None
    ways = list(islice(product(*(_values(found) for found in compared.values())), _MOST + 1))
    if len(ways) > _MOST:
        return None
    return frozenset(
        _outcome(expression, _with(context, dict(zip(compared, way, strict=True)))) for way in ways
    )


class _NotPlainError(Exception):
    """The unknown is more than compared."""


def _compared(
    node: nodes.Node,
    unknown: Callable[[nodes.Node], bool],
    path_of: Callable[[nodes.Node], Path],
    context: Mapping[str, object],
) -> Iterator[tuple[Path, object]]:
    """Each unknown with each value that it is compared with."""
    match node:
        case _ if not unknown(node):
            return
        case nodes.Not() | nodes.And() | nodes.Or() | nodes.CondExpr():
            for child in node.iter_child_nodes():
                yield from _compared(child, unknown, path_of, context)
        case nodes.Test(name="defined" | "undefined", node=inner):
            yield _plain(path_of(inner)), True
        case nodes.Compare(expr=first, ops=operands):
            sides = [first, *(operand.expr for operand in operands)]
            asked = [side for side in sides if unknown(side)]
            if len(asked) != 1:
                raise _NotPlainError
            path = _plain(path_of(asked[0]))
            known = [_value(side, context) for side in sides if not unknown(side)]
            for value in _told_apart(
                {operand.op for operand in operands}, known, asked[0] is first
            ):
                yield path, value
        case _:
            yield _plain(path_of(node)), True


def _plain(path: Path) -> Path:
    is_output = path[:1] == ("steps",) and path[2:3] == ("outputs",) and len(path) > 3
    is_param = path[:1] == ("params",) and len(path) > 1
    # What a mapping has of its own, such as `items`, is not looked up by its key.
    if None in path or not (is_output or is_param) or any(hasattr(dict, str(key)) for key in path):
        raise _NotPlainError
    return path


def _value(node: nodes.Node, context: Mapping[str, object]) -> object:
    assert isinstance(node, nodes.Expr)
    return Compiled.of(node).render(context)


def _told_apart(operators: set[str], known: Sequence[object], is_first: bool) -> Iterator[object]:
    if operators <= _EQUAL:
        yield from known
    elif operators <= _EQUAL | _ORDERED:
        if not all(type(value) in {int, float} and abs(value) < _LARGEST for value in known):  # type: ignore[arg-type]
            raise _NotPlainError
        yield from known
    elif len(known) == 1 and is_first and isinstance(known[0], list | tuple):
        yield from known[0]
    else:
        raise _NotPlainError


def _values(compared: Sequence[object]) -> Sequence[object]:
    """One value for each case: missing, equal to one of these, between two numbers, beyond them, no such."""
    numbers = sorted(
        {v for v in [*compared, 0] if isinstance(v, int | float) and abs(v) < _LARGEST}
    )
    between = [(one + other) / 2 for one, other in pairwise(numbers)]
    beyond = [numbers[0] - 1, numbers[-1] + 1]
    found = {
        (type(value).__name__, repr(value)): value
        for value in [*_ANYTHING, *compared, *between, *beyond]
    }
    return [_MISSING, *found.values()]


def _with(context: Mapping[str, object], chosen: Mapping[Path, object]) -> dict[str, object]:
    """The context with these values in it, at their paths."""
    made = _copied(context)
    for path, value in chosen.items():
        if value is _MISSING:
            continue
        inner = made
        for key in path[:-1]:
            inner = inner.setdefault(str(key), {})  # type: ignore[assignment]
        inner[str(path[-1])] = value
    return made


def _copied(context: Mapping[str, object]) -> dict[str, object]:
    return {
        key: _copied(value) if isinstance(value, Mapping) else value
        for key, value in context.items()
    }


def _outcome(expression: str, context: Mapping[str, object]) -> Literal["true", "false", "error"]:
    try:
        return "true" if evaluate(expression, context) else "false"
    except TemplateError:
        return "error"
