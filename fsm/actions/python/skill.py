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
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, overload

from fsm.actions.python.context import ActionFailed, Context, Lack
from fsm.actions.python.signature import Function, Secret, arguments, parameters
from fsm.plan.skill import ActionSpec, Needs, Risk, SkillSpec, Undo

__all__ = [
    "ActionFailed",
    "Context",
    "Lack",
    "Secret",
    "Skill",
    "SkillAction",
]


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
                params=tuple(parameters(self.function)),
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
            called = name or _dashed(function.__name__)
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


def _dashed(name: str) -> str:
    """`create_branch` as plans write it: `create-branch`."""
    return name.strip("_").replace("_", "-")
