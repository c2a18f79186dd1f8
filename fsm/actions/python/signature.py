"""What a function takes, read from its signature and docstring: the parameters of an action."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Literal,
    get_args,
    get_origin,
    get_type_hints,
)

from fsm.actions.python.context import Context
from fsm.plan.skill import Kind, Parameter

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler

__all__ = ["Argument", "Function", "Secret", "arguments", "is_secret", "parameters"]

Function = Callable[..., Any]


class Secret:
    """Within `Annotated[str, Secret]`, or `Secret()`, or by itself for text: never written into a plan."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> Any:
        """Text if it is the annotation itself; else what it annotates."""
        return handler(str if source is cls else source)


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a function: its name there, its name in plans (`from_` is `from`), and its type."""

    own: str
    name: str
    annotation: Any
    default: Any

    @property
    def takes_context(self) -> bool:
        """Whether it is given what the call is about."""
        return self.annotation in (Context, Context | None)

    @property
    def is_required(self) -> bool:
        """Whether it has no default."""
        return self.default is inspect.Parameter.empty


@lru_cache(maxsize=4096)
def arguments(function: Function) -> tuple[Argument, ...]:
    """The arguments of a function. Raises `TypeError` for an annotation that names nothing."""
    try:
        hints = get_type_hints(function, include_extras=True)
    except NameError as error:
        raise TypeError(f"the annotations of {function.__qualname__}: {error}") from None
    return tuple(
        Argument(name, name.rstrip("_"), hints.get(name, Any), parameter.default)
        for name, parameter in inspect.signature(function).parameters.items()
    )


def parameters(function: Function) -> list[Parameter]:
    """What a step gives to the function: all that it takes but its `Context`."""
    told = _described(inspect.getdoc(function) or "")
    return [
        Parameter(
            name=argument.name,
            kind=_kind(annotation := argument.annotation),
            required=(required := argument.is_required),
            default=None if required else argument.default,
            choices=get_args(annotation) if get_origin(annotation) is Literal else (),
            secret=is_secret(annotation),
            description=told.get(argument.own) or told.get(argument.name, ""),
            annotation=annotation,
        )
        for argument in arguments(function)
        if not argument.takes_context
    ]


def is_secret(annotation: Any) -> bool:
    """Whether any part of the annotation is marked as `Secret`."""
    is_mark = annotation is Secret or isinstance(annotation, Secret)
    return is_mark or any(map(is_secret, get_args(annotation)))


def _described(docstring: str) -> dict[str, str]:
    """The words of a docstring for each parameter: lines of the form `name: words`."""
    return dict(re.findall(r"(?m)^\s*`?(\w+)`?: (.+)$", docstring))


def _kind(annotation: Any) -> Kind:
    """The nearest word for a type; `any` for what none fits."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _kind(get_args(annotation)[0])
    if origin is Literal:
        kinds = {_kind(type(choice)) for choice in get_args(annotation)}
        return kinds.pop() if len(kinds) == 1 else "any"
    if origin is not None and type(None) in get_args(annotation):
        rest = [kind for kind in get_args(annotation) if kind is not type(None)]
        return _kind(rest[0]) if len(rest) == 1 else "any"
    kind = origin or annotation
    if not isinstance(kind, type):
        return "any"
    for known, word in _KINDS:
        if issubclass(kind, known):
            return word
    return "any"


_KINDS: Sequence[tuple[type, Kind]] = (
    (bool, "boolean"),
    (int, "integer"),
    (float, "number"),
    (str, "text"),
    (Secret, "text"),
    (Mapping, "mapping"),
    (Sequence, "list"),
)
