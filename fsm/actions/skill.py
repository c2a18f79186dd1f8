"""Skills written in Python: a decorator on typed functions (issue 4).

    tickets = Skill("tickets", "Work with tickets.")

    @tickets.action(risk="write", undo="reopen")
    def close(issue: str, comment: str = "") -> dict[str, str]:
        '''Close the ticket.'''

    @close.check
    def is_closed(issue: str) -> bool: ...

What a parameter may be is its annotation, as pydantic reads it; one that is annotated `Context` is no
parameter: it is given what the call is about.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Literal,
    get_args,
    get_origin,
    get_type_hints,
    overload,
)

from fsm.plan.skill import ActionSpec, Kind, Needs, Parameter, Risk, SkillSpec, Undo

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic import GetCoreSchemaHandler

    from fsm.engine.ports import Aspect

__all__ = [
    "ActionFailed",
    "Context",
    "Lack",
    "Secret",
    "Skill",
    "SkillAction",
    "arguments",
    "dashed",
    "is_secret",
]

Function = Callable[..., Any]


class ActionFailed(Exception):
    """Raised by an action that knows why it fails: the text is the error, one line, with no traceback."""


class Secret:
    """Within `Annotated[str, Secret]`, or `Secret()`, or by itself for text: never written into a plan."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> Any:
        """Text if it is the annotation itself; else what it annotates."""
        return handler(str if source is cls else source)


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What one call is about. `cwd` is absolute, `env` the step's whole environment.

    `folder` is the folder of the plan, which file actions do not leave. `idempotency_key` is equal for all
    attempts of one step in one run. `kept` is a folder of the step's own within the run's logs, for what it
    needs when it is undone; whoever needs it makes it. `is_first` says of a dry run that no step before
    changes anything: what is missing now will be missing. `code` is the SHA-256 of the code that the call
    names, as it was approved; "" if that is not known. `note` writes a line to the step's log, masked.
    """

    cwd: Path
    folder: Path
    env: Mapping[str, str]
    run_id: str = ""
    step_id: str = ""
    attempt: int = 1
    idempotency_key: str = ""
    kept: Path | None = None
    is_first: bool = False
    code: str = ""
    note: Callable[[str], None] = lambda _: None


@dataclass(frozen=True, slots=True)
class Lack:
    """What an action's inspection misses: a permission, a target that is not there …; and the next move."""

    aspect: Aspect
    message: str
    hint: str = ""


@dataclass(slots=True)
class SkillAction:
    """One action: the function, and those that probe, try and inspect it. Called, it calls the function."""

    function: Function
    name: str
    options: Mapping[str, Any]
    probe: Function | None = None
    trial: Function | None = None
    inspection: Function | None = None
    code: Function | None = None
    _spec: ActionSpec | None = field(default=None, repr=False)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(*args, **kwargs)

    def check(self, function: Function) -> Function:
        """Probes whether the effect is there: true, false, or `None` if that cannot be told.

        A mapping is true, and gives the outputs that the action would have given.

        Takes any of the action's parameters, by name.
        """
        self.probe = function
        return function

    def dry_run(self, function: Function) -> Function:
        """Tries the action without any effect: raises what it would fail with.

        Before a run all are tried one by one, in no thread of their own, as they are inspected.
        """
        self.trial = function
        return function

    def inspect(self, function: Function) -> Function:
        """Looks for what is missing, without any effect: yields or returns each as a `Lack`; may be async.

        It takes any of the action's parameters, by name, and is not asked before all of them are known. It
        says of the targets whether they are there, and of the permissions if the action `needs` any.
        """
        self.inspection = function
        return function

    def runs(self, function: Function) -> Function:
        """Gives the code, as bytes, that the call names, which is read and not run; `None` if there is none.

        Its first parameter is the one that names it. Only skills that ship have such actions.
        """
        self.code = function
        return function

    @property
    def spec(self) -> ActionSpec:
        """What it takes, needs and risks; read from the function's signature and docstring."""
        if self._spec is None:
            self._spec = ActionSpec(
                name=self.name,
                description=inspect.getdoc(self.function) or "",
                params=tuple(_parameters(self.function)),
                has_check=self.probe is not None,
                has_dry_run=self.trial is not None,
                code=arguments(self.code)[0].name if self.code is not None else "",
                **self.options,
            )
        return self._spec


class Skill:
    """A named set of actions, each a function.

    Those of one that is `apart` run in a process of their own (only skills that ship can be).
    """

    def __init__(self, name: str, description: str = "", *, apart: bool = False) -> None:
        self.name = name
        self.description = description
        self.apart = apart
        self.actions: dict[str, SkillAction] = {}

    @overload
    def action(self, function: Function, /) -> SkillAction: ...

    @overload
    def action(
        self,
        /,
        *,
        name: str = "",
        risk: Risk = "write",
        idempotent: bool = False,
        undo: str | Undo | None = None,
        needs: Needs | None = None,
        outputs: Sequence[str] = (),
    ) -> Callable[[Function], SkillAction]: ...

    def action(
        self,
        function: Function | None = None,
        /,
        *,
        name: str = "",
        risk: Risk = "write",
        idempotent: bool = False,
        undo: str | Undo | None = None,
        needs: Needs | None = None,
        outputs: Sequence[str] = (),
    ) -> SkillAction | Callable[[Function], SkillAction]:
        """Make the function an action, called as it is, with dashes (`close_issue` is `close-issue`).

        `undo` is the action of this skill that undoes it. What the function returns are its outputs: a
        mapping, or anything else, which becomes the output `result`; `outputs` names them for people. It
        fails by raising. Raises `ValueError` if the skill has an action of that name already.
        """

        def decorate(function: Function) -> SkillAction:
            called = name or dashed(function.__name__)
            if called in self.actions:
                raise ValueError(f"skill `{self.name}` has two actions called `{called}`")
            action = SkillAction(
                function,
                called,
                {
                    "risk": risk,
                    "idempotent": idempotent or risk == "read",
                    "undo": Undo(action=undo) if isinstance(undo, str) else undo,
                    "needs": needs or Needs(),
                    "outputs": tuple(outputs),
                },
            )
            self.actions[called] = action
            return action

        return decorate if function is None else decorate(function)

    @cached_property
    def spec(self) -> SkillSpec:
        """The skill as data; complete only once its module is."""
        return SkillSpec(
            name=self.name,
            description=self.description,
            actions={name: action.spec for name, action in self.actions.items()},
        )


def dashed(name: str) -> str:
    """`create_branch` as plans write it: `create-branch`."""
    return name.strip("_").replace("_", "-")


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


def _parameters(function: Function) -> list[Parameter]:
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
