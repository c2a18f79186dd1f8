"""What a condition may come to, when outputs are not known, and perhaps parameters neither.

Every answer errs on one side: an outcome that can happen is always among those told, one that is told may
still be impossible. What has no unknown in it is evaluated as it would be in a run.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from itertools import islice, product
from typing import Final, Literal

from jinja2 import nodes

from fsm.plan.template import evaluate
from fsm.plan.template.cases import cases
from fsm.plan.template.compiled import Compiled, compile_expression, compile_text
from fsm.plan.template.terms import TemplateError

__all__ = ["Outcome", "condition_outputs", "constants", "outcomes", "template_outputs"]

Outcome = Literal["true", "false", "error"]

_Value = Literal["true", "false", "error", "other"]
_ANY: Final[frozenset[_Value]] = frozenset({"true", "false", "error", "other"})
_JUDGED: Final[frozenset[_Value]] = frozenset({"true", "false", "error"})
_AT_TOP: Final[frozenset[Outcome]] = frozenset({"true", "false", "error"})
_MOST = 1024
"""So many combinations of states are looked at; a condition that has more may come to anything."""


def outcomes(
    expression: str,
    states: Mapping[str, Collection[str]],
    params: Mapping[str, object] | None = None,
) -> frozenset[Outcome]:
    """What the `if:` may come to: `error` if it cannot be decided, so that the step fails.

    `states` are the states in which each step that it names may be by then; no step's outputs are known.
    `params` are the parameters, `None` if they may have any values. Raises `TemplateError` if the
    expression cannot be read.
    """
    compiled = compile_expression(expression)
    named = sorted(compiled.references.steps)
    ways = product(*(sorted(states[step]) for step in named))
    found: set[Outcome] = set()
    for count, chosen in enumerate(ways):
        if count == _MOST:
            return _AT_TOP
        found |= _at_top(expression, compiled, dict(zip(named, chosen, strict=True)), params)
    return frozenset(found)


def condition_outputs(expression: str) -> frozenset[tuple[str, str]]:
    """The (step, output) pairs that the `if:` names; the output is "" where it takes them as a whole."""
    return _outputs(_expression(compile_expression(expression)))


def template_outputs(text: str) -> frozenset[tuple[str, str]]:
    """The same of a template."""
    return _outputs(compile_text(text).tree)


def constants(expression: str) -> tuple[object, ...]:
    """Every text, number and boolean that the `if:` holds, once each, in its order."""
    tree = _expression(compile_expression(expression))
    found = [node.value for node in tree.find_all(nodes.Const)]
    if isinstance(tree, nodes.Const):
        found.append(tree.value)
    return tuple(dict.fromkeys(found))


def _expression(compiled: Compiled) -> nodes.Node:
    [assignment] = compiled.tree.body
    assert isinstance(assignment, nodes.Assign)
    return assignment.node


def _at_top(
    expression: str,
    compiled: Compiled,
    states: Mapping[str, str],
    params: Mapping[str, object] | None,
) -> frozenset[Outcome]:
    tree = _expression(compiled)
    unknown = _unknown(tree, params)
    context = {
        "params": params or {},
        "steps": {step: {"state": state, "outputs": {}} for step, state in states.items()},
        "run": {"id": ""},
    }
    if not unknown(tree):
        try:
            return frozenset({"true" if evaluate(expression, context) else "false"})
        except TemplateError:
            return frozenset({"error"})
    if (found := cases(expression, tree, unknown, _path, context)) is not None:
        return found
    values = _values(tree, unknown, context)
    return _AT_TOP if "other" in values else frozenset(values - {"other"})  # type: ignore[arg-type]


def _values(
    node: nodes.Node, unknown: Callable[[nodes.Node], bool], context: Mapping[str, object]
) -> frozenset[_Value]:
    """What the node may come to: `other` is whatever is neither true nor false."""

    def of(inner: nodes.Node) -> frozenset[_Value]:
        return _values(inner, unknown, context)

    if not unknown(node):
        return _known(node, context)
    match node:
        case nodes.Not(node=inner):
            return frozenset(value for one in of(inner) for value in _NOT[one])
        case nodes.And(left=left, right=right):
            return _either(of(left), of(right), goes_on="true", stays="false")
        case nodes.Or(left=left, right=right):
            return _either(of(left), of(right), goes_on="false", stays="true")
        case nodes.CondExpr(test=test, expr1=one, expr2=two):
            asked = of(test)
            found: frozenset[_Value] = asked & {"error"}
            if asked & {"true", "other"}:
                found |= of(one)
            if asked & {"false", "other"}:
                found |= of(two) if two is not None else _ANY
            return found
        case nodes.Test(name="defined" | "undefined"):
            return frozenset({"true", "false"})
        case nodes.Compare() | nodes.Test():
            return _JUDGED
    return _ANY


_NOT: Final[Mapping[_Value, frozenset[_Value]]] = {
    "true": frozenset({"false"}),
    "false": frozenset({"true"}),
    "error": frozenset({"error"}),
    "other": frozenset({"true", "false"}),
}


def _either(
    left: frozenset[_Value], right: frozenset[_Value], goes_on: _Value, stays: _Value
) -> frozenset[_Value]:
    """`and` and `or` look at their right side only if their left one does not decide."""
    found: frozenset[_Value] = left & {"error", stays, "other"}
    return found | right if left & {goes_on, "other"} else found


def _known(node: nodes.Node, context: Mapping[str, object]) -> frozenset[_Value]:
    assert isinstance(node, nodes.Expr)
    try:
        value = Compiled.of(node).render(context)
    except TemplateError:
        return frozenset({"error"})
    if value is True:
        return frozenset({"true"})
    return frozenset({"false" if value is False else "other"})


def _unknown(tree: nodes.Node, params: Mapping[str, object] | None) -> Callable[[nodes.Node], bool]:
    """Whether a node of the tree holds what nobody knows yet."""
    answers: dict[int, bool] = {}

    def look(node: nodes.Node) -> bool:
        if isinstance(node, nodes.Name | nodes.Getattr | nodes.Getitem):
            path = _path(node)
            root = path[0] if path else None
            if root in ("run", "secrets") or (root == "params" and params is None):
                answers[id(node)] = True
                return True
            if root == "steps" and (len(path) < 3 or path[2] != "state"):
                answers[id(node)] = True
                return True
            if root == "steps":
                answers[id(node)] = False
                return False
        found = [look(child) for child in node.iter_child_nodes()]  # all: each gets its answer
        answers[id(node)] = any(found)
        return answers[id(node)]

    look(tree)
    return lambda node: answers[id(node)]


def _path(node: nodes.Node) -> tuple[str | None, ...]:
    """A name and the keys after it, `None` for one that is not plain; empty if it begins otherwise."""
    keys: list[str | None] = []
    while isinstance(node, nodes.Getattr | nodes.Getitem):
        if isinstance(node, nodes.Getattr):
            keys.append(node.attr)
        else:
            keys.append(str(node.arg.value) if isinstance(node.arg, nodes.Const) else None)
        node = node.node
    return (node.name, *reversed(keys)) if isinstance(node, nodes.Name) else ()


def _outputs(tree: nodes.Node) -> frozenset[tuple[str, str]]:
    def below(node: nodes.Node) -> Iterator[tuple[str, str]]:
        path = _path(node)
        if path[:1] == ("steps",) and path[2:3] == ("outputs",) and path[1] is not None:
            name = path[3] if len(path) > 3 else ""
            yield path[1], name or ""
            return
        for child in node.iter_child_nodes():
            yield from below(child)

    return frozenset(islice(below(tree), 10_000))
