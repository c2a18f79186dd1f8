"""What a parsed template names, and whether it keeps to the language of plans.

One walk over Jinja2's tree: unknown names, steps that are not named plainly, filters and statements that a
plan does not have. It also prepares the tree for rendering: loops are counted, joined values made text.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from typing import NoReturn

from jinja2 import nodes

from fsm.document import suggest
from fsm.plan.template.filters import FILTERS, TESTS
from fsm.plan.template.terms import References, TemplateError

__all__ = ["COUNTED", "read"]

COUNTED = "counted items"
"""The filter that bounds a loop; a name that no template can write."""

_MAX_DEPTH = 100
_ROOTS = ("params", "run", "secrets", "steps")
_STEP_KEYS = ("outputs", "state")
_LANGUAGE = (
    *(nodes.Template, nodes.Output, nodes.TemplateData, nodes.If, nodes.For),
    *(
        nodes.Literal,
        nodes.Name,
        nodes.Getattr,
        nodes.Getitem,
        nodes.Slice,
        nodes.Call,
        nodes.Keyword,
    ),
    *(nodes.Filter, nodes.Test, nodes.CondExpr, nodes.BinExpr, nodes.UnaryExpr, nodes.Concat),
    *(nodes.Compare, nodes.Operand, nodes.Pair),
)
_STATEMENTS = {
    "Assign": "set",
    "AssignBlock": "set",
    "CallBlock": "call",
    "ExprStmt": "do",
    "FilterBlock": "filter",
    "FromImport": "from",
    "OverlayScope": "with",
    "ScopedEvalContextModifier": "autoescape",
}


def read(tree: nodes.Node, text: str, names: frozenset[str] | None = None) -> References:
    """What `tree` names. `text` is where it was parsed from, for messages. Raises `TemplateError`.

    There is what plans have, or `names` and nothing else, which are not looked into.
    """
    reader = _Reader(text, _ROOTS if names is None else ())
    reader.visit(tree, names or frozenset())
    found = (reader.roots, reader.steps, reader.params, reader.secrets)
    return References(*map(frozenset, found))


class _Reader:
    def __init__(self, text: str, roots: Sequence[str]) -> None:
        self._text = text
        self._roots = roots
        self._depth = 0
        self.roots: set[str] = set()
        self.steps: set[str] = set()
        self.params: set[str] = set()
        self.secrets: set[str] = set()

    def visit(self, node: nodes.Node, local: frozenset[str]) -> None:
        """Read the node and all below it; `local` are the names that loops around it have bound."""
        if not isinstance(node, _LANGUAGE):
            self._no_such_statement(node)
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise TemplateError("the template is nested too deeply")
        self._look(node, local)
        self._depth -= 1

    def _look(self, node: nodes.Node, local: frozenset[str]) -> None:
        match node:
            case nodes.For():
                self._loop(node, local)
                return
            case nodes.Name() | nodes.Getattr() | nodes.Getitem():
                self._path(node, local)
                return
            case nodes.Sub():
                self._no_dash(node, local)
            case nodes.Filter():
                self._known("filter", node.name, FILTERS)
            case nodes.Test():
                self._known("test", node.name, TESTS)
            case nodes.Const(value=float(number)) if math.isinf(number):
                raise TemplateError("a number in it is too large")
            case nodes.Concat():
                node.nodes = [_filtered(item, "string") for item in node.nodes]
        for child in node.iter_child_nodes():
            self.visit(child, local)

    def _loop(self, node: nodes.For, local: frozenset[str]) -> None:
        if node.recursive:
            raise TemplateError("a plan's loops cannot be `recursive`")
        self.visit(node.iter, local)
        node.iter = _filtered(node.iter, COUNTED)
        bound = {name.name for name in node.target.find_all(nodes.Name)} | {"loop"}
        if isinstance(node.target, nodes.Name):
            bound.add(node.target.name)
        inner = local | bound
        for part in (*node.body, *([node.test] if node.test else [])):
            self.visit(part, inner)
        for part in node.else_:
            self.visit(part, local)

    def _path(self, node: nodes.Expr, local: frozenset[str]) -> None:
        """A name and the plain keys after it: `steps["build"].outputs.sha`."""
        keys: list[str | None] = []
        while not isinstance(node, nodes.Name):
            if isinstance(node, nodes.Getattr):
                keys.append(node.attr)
            elif isinstance(node, nodes.Getitem):
                keys.append(str(node.arg.value) if isinstance(node.arg, nodes.Const) else None)
                self.visit(node.arg, local)
            else:
                self.visit(node, local)
                return
            node = node.node
        if node.name in local:
            return
        if node.name not in self._roots:
            raise TemplateError(
                f"nothing is called `{node.name}`",
                suggest(node.name, (*self._roots, *local)) or self._what_there_is(local),
            )
        self.roots.add(node.name)
        keys.reverse()
        _CHECKS[node.name](self, keys)

    def _what_there_is(self, local: frozenset[str]) -> str:
        if self._roots:
            return "there is `params`, `steps` and `run`"
        return "there is " + (", ".join(f"`{name}`" for name in sorted(local)[:10]) or "no name")

    def _params(self, keys: list[str | None]) -> None:
        if keys and keys[0] is not None:
            self.params.add(keys[0])

    def _run(self, keys: list[str | None]) -> None:
        if keys[:1] != ["id"]:
            raise TemplateError("of `run` there is only `run.id`")

    def _secrets(self, keys: list[str | None]) -> None:
        if len(keys) != 1 or keys[0] is None:
            raise TemplateError("a secret must be named plainly", "write `{{ secrets.NAME }}`")
        self.secrets.add(keys[0])

    def _steps(self, keys: list[str | None]) -> None:
        step, part = (*keys, "", "")[:2]
        if not step or part is None:
            message = "a template must name its steps plainly"
            raise TemplateError(message, "write `steps.ID.outputs.NAME`")
        if part not in _STEP_KEYS:
            hint = self._quoted("steps", step) or suggest(part, _STEP_KEYS)
            raise TemplateError(
                f"`steps.{step}` has " + (f"no `{part}`" if part else "two parts"),
                hint or "write `.outputs.NAME` or `.state` after it",
            )
        self.steps.add(step)

    def _no_dash(self, node: nodes.Sub, local: frozenset[str]) -> None:
        """`steps.step-1.outputs` is a subtraction to Jinja2, and never what was meant."""
        match node.left:
            case nodes.Getattr(node=nodes.Name(name="steps" | "params" as root), attr=name):
                pass
            case _:
                return
        right = node.right
        while isinstance(right, nodes.Getattr | nodes.Getitem):
            right = right.node
        stray = isinstance(right, nodes.Name) and right.name not in local | {*_ROOTS}
        hint = self._quoted(root, name)
        if root not in local and hint and (root == "steps" or stray):
            raise TemplateError("`-` within a name is a subtraction here", hint)

    def _quoted(self, root: str, name: str) -> str:
        """How to write the id that begins with `name` in the text but is no Jinja2 name, or ""."""
        found = re.search(
            rf"\b{root}\.({re.escape(name)}(?:[.-][\w.-]*?(?=\.outputs|\.state)|-[\w-]+))",
            self._text,
        )
        return f'write `{root}["{found[1]}"]`' if found else ""

    def _known(self, what: str, name: str, known: Iterable[str]) -> None:
        if name not in known:
            listed = ", ".join(word for word in sorted(known) if word.isalpha())
            raise TemplateError(
                f"there is no {what} `{name}`", suggest(name, known) or f"there is: {listed}"
            )

    def _no_such_statement(self, node: nodes.Node) -> NoReturn:
        kind = type(node).__name__
        word = _STATEMENTS.get(kind, kind.lower())
        raise TemplateError(
            f"a plan's templates have no `{{% {word} %}}`",
            "they have `{{ … }}`, `{% if %}` and `{% for %}`",
        )


_CHECKS: dict[str, Callable[[_Reader, list[str | None]], None]] = {
    "params": _Reader._params,
    "run": _Reader._run,
    "secrets": _Reader._secrets,
    "steps": _Reader._steps,
}


def _filtered(node: nodes.Node, name: str) -> nodes.Filter:
    filtered = nodes.Filter(node, name, [], [], None, None, lineno=node.lineno)
    filtered.environment = node.environment
    return filtered
