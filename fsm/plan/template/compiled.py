"""Templates and expressions that were read, ready to be rendered any number of times.

Only `fsm.plan.template` imports this, when it meets a template: here Jinja2 begins.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from types import GeneratorType
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from jinja2 import Undefined, nodes
from jinja2.exceptions import TemplateError as JinjaError
from jinja2.exceptions import TemplateSyntaxError, UndefinedError
from jinja2.parser import Parser

from fsm.plan.template.filters import MAX_SIZE, TooLarge
from fsm.plan.template.reading import read
from fsm.plan.template.sandbox import ENVIRONMENT, MAX_TURNS, TURNS, to_text
from fsm.plan.template.terms import References, TemplateError

if TYPE_CHECKING:
    from pydantic import JsonValue

__all__ = ["Compiled", "compile_expression", "compile_text"]

_RESULT = "result"
_TOO_DEEP = "the template is nested too deeply"

Lookup: TypeAlias = tuple[str | int, ...]
"""A name and the keys after it."""


class Compiled:
    """A template or an expression. `references` is what it names.

    `typed` says that it is one expression, whose value is wanted as it is; else the value is text.
    Looking up names is most of what templates do, and compiling a program for that would cost twenty
    times as much: `parts` are its texts and lookups if it does nothing else.
    """

    __slots__ = ("_parts", "_program", "_tree", "_typed", "references")

    def __init__(
        self,
        parts: Sequence[nodes.Node],
        tree: nodes.Template,
        references: References,
        *,
        typed: bool,
    ) -> None:
        self.references = references
        self._parts = _plain(parts)
        if references.secrets and self._parts is None:
            # Only the value as it is can be masked wherever it shows.
            raise TemplateError(
                "a secret is given as it is, without filters, operators or `{% if %}`",
                "write `{{ secrets.NAME }}`",
            )
        self._tree = tree
        self._typed = typed
        self._program: Any = None

    @classmethod
    def of(cls, expression: nodes.Expr) -> Compiled:
        """A part of an expression that was read, to be evaluated by itself."""
        nothing = References(frozenset(), frozenset(), frozenset())
        return cls([expression], _keeping(expression), nothing, typed=True)

    @property
    def tree(self) -> nodes.Template:
        """What would be run: of an expression, its assignment to a variable."""
        return self._tree

    def render(self, context: Mapping[str, object]) -> JsonValue:
        """The value for these names. Raises `TemplateError`."""
        try:
            if self._parts is not None and self.references.roots <= context.keys():
                found = [_look_up(part, context) for part in self._parts]
                return _json(found[0]) if self._typed else _joined(map(to_text, found))
            return self._run(context)
        except TemplateError:
            raise
        except UndefinedError as error:
            raise TemplateError(*str(error).split("; ", 1)) from None
        except TooLarge:
            raise TemplateError("the template becomes too large") from None
        except RecursionError:
            raise TemplateError(_TOO_DEEP) from None
        except Exception as error:
            # Whatever a wrong type sets off in a filter or an operator: the words are Python's.
            raise TemplateError(f"cannot be rendered: {_one_line(error)}") from None

    def _run(self, context: Mapping[str, object]) -> JsonValue:
        if self._program is None:
            self._program = ENVIRONMENT.from_string(self._tree)
        scope = self._program.new_context({**context, TURNS: iter(range(MAX_TURNS))})
        text = _joined(self._program.root_render_func(scope))
        return _json(scope.vars[_RESULT]) if self._typed else text


@lru_cache(maxsize=512)
def compile_text(text: str, names: frozenset[str] | None = None) -> Compiled:
    """The template `text`; its names are those of plans, or `names`. Raises `TemplateError`."""
    tree = _parsed(lambda: ENVIRONMENT.parse(text))
    references = read(tree, text, names)
    parts: list[nodes.Node] = []
    for node in tree.body:
        parts.extend(node.nodes if isinstance(node, nodes.Output) else [node])
    match parts:
        case [nodes.Expr() as only] if not isinstance(only, nodes.TemplateData):
            return Compiled(parts, _keeping(only), references, typed=True)
    return Compiled(parts, tree, references, typed=False)


@lru_cache(maxsize=512)
def compile_expression(expression: str) -> Compiled:
    """The expression of an `if:`. Raises `TemplateError`."""

    def parse() -> nodes.Expr:
        parser = Parser(ENVIRONMENT, expression, state="variable")
        tree = parser.parse_expression()
        if not parser.stream.eos:
            raise TemplateSyntaxError(f"unexpected `{parser.stream.current.value}`", 1)
        return tree

    tree = _parsed(parse)
    references = read(tree, expression)
    return Compiled([tree], _keeping(tree), references, typed=True)


_Tree = TypeVar("_Tree", bound=nodes.Node)


def _parsed(parse: Callable[[], _Tree]) -> _Tree:
    try:
        tree = parse()
        tree.set_environment(ENVIRONMENT)
    except RecursionError:
        raise TemplateError(_TOO_DEEP) from None
    except TemplateSyntaxError as error:
        raise TemplateError(f"cannot be read: {_one_line(error)}") from None
    except ValueError:
        raise TemplateError("a number in it is too large") from None
    return tree


def _keeping(expression: nodes.Expr) -> nodes.Template:
    """A program that puts the expression's value into a variable, where text would lose its type."""
    target = nodes.Name(_RESULT, "store", lineno=1)
    tree = nodes.Template([nodes.Assign(target, expression, lineno=1)], lineno=1)
    tree.set_environment(ENVIRONMENT)
    return tree


def _plain(parts: Sequence[nodes.Node]) -> list[str | Lookup] | None:
    """The texts and lookups that `parts` are, or None if one of them is anything else."""
    found: list[str | Lookup] = []
    for node in parts:
        if isinstance(node, nodes.TemplateData):
            found.append(node.data)
            continue
        keys: list[str | int] = []
        while isinstance(node, nodes.Getattr | nodes.Getitem):
            if isinstance(node, nodes.Getattr):
                keys.append(node.attr)
            elif isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str | int):
                keys.append(node.arg.value)
            else:
                return None
            node = node.node
        if not isinstance(node, nodes.Name):
            return None
        found.append((node.name, *reversed(keys)))
    return found


def _look_up(part: str | Lookup, context: Mapping[str, object]) -> object:
    if isinstance(part, str):
        return part
    value = context[str(part[0])]
    for key in part[1:]:
        value = ENVIRONMENT.getitem(value, key)
    return value


def _joined(pieces: Any) -> str:
    text, size = [], 0
    for piece in pieces:
        text.append(piece)
        size += len(piece)
        if size > MAX_SIZE:
            raise TooLarge
    return _sound("".join(text))


def _sound(text: str) -> str:
    """The text, unless it holds what no argument, file or document can (`"\\ud800"` in an expression)."""
    if "\0" in text:
        raise TemplateError("the template becomes text with a NUL character")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise TemplateError("the template becomes text that is not valid Unicode") from None
    return text


def _json(value: object) -> JsonValue:
    """The value as plain JSON data: a copy, so that nothing is shared with what the template read."""
    if isinstance(value, str):
        return _sound(str(value))
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        if value - value != 0:
            raise TemplateError(f"`{value}` is not a number that a plan can hold")
        return value
    if isinstance(value, Undefined):
        value._fail_with_undefined_error()
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            raise TemplateError("the keys of a mapping must be text")
        return {_sound(key): _json(item) for key, item in value.items()}
    if isinstance(value, list | tuple | GeneratorType):
        return [_json(item) for item in value]
    raise TemplateError("the template becomes a method", "call it with `()`")


def _one_line(error: Exception) -> str:
    text = error.message if isinstance(error, JinjaError) else str(error)
    return " ".join((text or type(error).__name__).split())[:200].replace("'", "`").rstrip(".")
