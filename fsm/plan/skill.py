"""Skills as data: what an action takes, needs, risks, and how it is tried, probed and undone (issue 4).

However a skill was declared, in YAML, in Python or as a folder of scripts, this is what loading sees of it
and what `fsm skills` shows. What a plan uses of it goes into the plan (`Plan.skills`), and so into the
digest: what was approved is what runs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import MISSING, field, fields
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, cast

from fsm.values import Slotted, slotted

if TYPE_CHECKING:
    from pydantic import JsonValue, TypeAdapter, ValidationError

__all__ = [
    "SCRIPTS_OF",
    "ActionSpec",
    "Kind",
    "Needs",
    "Parameter",
    "Risk",
    "SkillSpec",
    "Skills",
    "Undo",
    "annotation_fault",
    "converted",
    "restored",
    "value_fault",
]

Risk = Literal["read", "write", "irreversible"]
"""What an action may do: change nothing; change something; change what nothing changes back."""

Kind = Literal["text", "integer", "number", "boolean", "list", "mapping", "any"]

_TYPES: Final[Mapping[str, Any]] = {
    "text": str,
    "integer": int,
    "number": float,
    "boolean": bool,
    "list": list,
    "mapping": dict,
    "any": Any,
}
_WORDS: Final[Mapping[str, str]] = {
    "text": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "`true` or `false`",
    "list": "a list",
    "mapping": "a mapping",
}
SCRIPTS_OF: Final = "scripts of "
"""How the `source` of a skill begins that is a folder with scripts; its path follows."""

_FOR_PEOPLE = frozenset({"description", "annotation"})


@slotted
class Parameter(Slotted):
    """What an action is given under one name.

    `choices`, if there are any, are the only values. The value of a `secret` one is never written into a
    plan: it is `{{ secrets.NAME }}`. `options` says that a declared command may be given options by it.
    `annotation` is the Python type that `kind` is short for.
    """

    name: str
    kind: Kind = "any"
    required: bool = False
    default: JsonValue = None
    choices: tuple[JsonValue, ...] = ()
    secret: bool = False
    options: bool = False
    description: str = ""
    annotation: Any = field(default=None, compare=False)


@slotted
class Needs(Slotted):
    """What must be there before an action can work: checked by validation, before anything happens.

    Programs by name, variables of the environment (`secrets` are those whose values are masked), files and
    folders, hosts of the network, and permissions in words, which the action's own inspection finds out.
    """

    commands: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    permissions: tuple[str, ...] = ()


@slotted
class Undo(Slotted):
    """The action of the same skill that undoes this one.

    A value of `params` is taken as it is, unless it is a whole `{{ params.NAME }}` or `{{ outputs.NAME }}`:
    what the step was given, or what came of it. `None`: what both actions have under the same name.
    """

    action: str
    params: Mapping[str, JsonValue] | None = None


@slotted
class ActionSpec(Slotted):
    """One action: what it takes, needs and risks. `outputs` names what a success gives.

    `run`, `check`, `dry_run` and `env` are the commands of an action that is declared, not written in Python:
    a list of arguments, or text for a shell that finds parameters in its environment only. They work in
    `cwd`, from the step's own folder. `has_check` and `has_dry_run` say whether it can be probed and tried.
    `code` is the parameter that names code of the caller's, which then is part of what is approved.
    `timeout_seconds` ends an attempt if the step says nothing else. `call`, in place of `run`, is an action
    of another skill: `skill`, `action` and `params`.
    """

    name: str
    description: str = ""
    params: tuple[Parameter, ...] = ()
    outputs: tuple[str, ...] = ()
    needs: Needs = field(default_factory=Needs)
    risk: Risk = "write"
    idempotent: bool = False
    undo: Undo | None = None
    has_check: bool = False
    has_dry_run: bool = False
    run: JsonValue = None
    env: Mapping[str, JsonValue] = field(default_factory=dict)
    check: JsonValue = None
    dry_run: JsonValue = None
    cwd: str = ""
    timeout_seconds: float | None = None
    code: str = ""
    call: Mapping[str, Any] | None = None

    def parameter(self, name: str) -> Parameter | None:
        """The parameter of that name, if there is one."""
        return next((parameter for parameter in self.params if parameter.name == name), None)

    def stored(self) -> dict[str, JsonValue]:
        """What a plan keeps of it: all but the words for people; values equal to their default left out."""
        return _stored(self)


@slotted
class SkillSpec(Slotted):
    """A named set of actions. `origin` says for people where it is declared.

    `source` is how the code is found again: `shipped`, `declared` (the actions hold their commands),
    `module:object`, `FILE.py:object`, or `scripts of FOLDER`; paths are from the folder of the plan. `code`
    is the SHA-256 of that code where it is not fsm's own (`fsm.plan.skill_code`); `calls` has that of the
    code which calls name, by what names it.
    """

    name: str
    actions: Mapping[str, ActionSpec]
    description: str = ""
    origin: str = "shipped with fsm"
    source: str = "shipped"
    code: str = ""
    calls: Mapping[str, str] = field(default_factory=dict)

    def stored(self, used: Iterable[str]) -> dict[str, JsonValue]:
        """What a plan keeps of it that uses these actions."""
        actions: dict[str, JsonValue] = {name: self.actions[name].stored() for name in sorted(used)}
        kept: dict[str, JsonValue] = {"source": self.source, "actions": actions}
        kept |= {"code": self.code} if self.code else {}
        return kept | ({"calls": dict(self.calls)} if self.calls else {})


class Skills(Protocol):
    """Where loading finds skills by name. `own` are names of which only the caller knows anything."""

    @property
    def own(self) -> Collection[str]: ...

    def find(self, name: str) -> SkillSpec | None:
        """The skill of that name. Raises `Invalid` if two have it, or if it cannot be read."""

    def names(self) -> Iterable[str]:
        """Every name that there is, to suggest a similar one."""

    def code_named(
        self, skill: str, action: str, params: Mapping[str, JsonValue]
    ) -> tuple[str, str]:
        """What names the code that such a call would run, and its SHA-256. Raises `Invalid`."""


def value_fault(parameter: Parameter, value: JsonValue) -> str:
    """Why the parameter cannot have that value, in words that follow its name; "" if it can."""
    if parameter.choices and value not in parameter.choices:
        return "must be " + " or ".join(f"`{choice}`" for choice in parameter.choices)
    declared = parameter.annotation is None
    wanted = _TYPES[parameter.kind] if declared else parameter.annotation
    if _is_exactly(value, wanted):
        return ""
    adapter = _adapter(wanted)
    try:
        adapter.validate_python(value, strict=True if declared else None)
    except ValueError as raised:
        error = cast("ValidationError", raised)
        first = error.errors(include_url=False, include_context=False)[0]
        # Of the kind: then it is held to a rule of its own.
        is_of_kind = not first["type"].endswith(("_type", "_parsing"))
        if not first["loc"] and parameter.kind in _WORDS and not is_of_kind:
            return f"must be {_WORDS[parameter.kind]}"
        place = "".join(f"[{key}]" for key in first["loc"])
        return f"{place} {first['msg'][0].lower()}{first['msg'][1:]}".lstrip()
    return ""


def annotation_fault(annotation: Any) -> str:
    """Why values cannot be held to that Python type, in words that follow its name; "" if they can."""
    from pydantic import PydanticUserError

    try:
        _adapter(annotation)
    except PydanticUserError:
        return f"is annotated with {annotation!r:.80}, which does not say what it may be"
    except Exception as error:  # what a type of the author's own does when it is asked
        return f"has an annotation that cannot be read: {type(error).__name__}: {error}"
    return ""


def converted(annotation: Any, value: JsonValue) -> Any:
    """The value as the Python type asks for it. Raises `ValueError` if it cannot be."""
    if _is_exactly(value, annotation):
        return value
    return _adapter(annotation).validate_python(value)


def restored(name: str, kept: Mapping[str, Any]) -> SkillSpec:
    """The skill as a plan keeps it (`SkillSpec.stored`)."""
    actions = {}
    for action, stored in kept["actions"].items():
        parts = dict(stored)
        parts["params"] = tuple(
            Parameter(**{**given, "choices": tuple(given.get("choices", ()))})
            for given in stored.get("params", ())
        )
        parts["outputs"] = tuple(stored.get("outputs", ()))
        needs = stored.get("needs", {})
        parts["needs"] = Needs(**{key: tuple(words) for key, words in needs.items()})
        if "undo" in stored:
            parts["undo"] = Undo(**stored["undo"])
        actions[action] = ActionSpec(**parts)
    return SkillSpec(
        name=name,
        actions=actions,
        source=kept["source"],
        code=kept.get("code", ""),
        calls=kept.get("calls", {}),
        origin="",
    )


def _is_exactly(value: object, annotation: Any) -> bool:
    """Whether pydantic would give the value back as it is: plainly so, as of most that steps are given."""
    if type(value) is not annotation:
        return False
    return annotation in (int, bool) or (annotation is str and cast("str", value).isascii())


_adapters: dict[int, tuple[object, TypeAdapter[Any]]] = {}


def _adapter(annotation: Any) -> TypeAdapter[Any]:
    """By identity, for not every annotation can be hashed; each is kept, so that none takes its place."""
    known = _adapters.get(id(annotation))
    if known is None:
        from pydantic import TypeAdapter

        known = _adapters[id(annotation)] = (annotation, TypeAdapter(annotation))
    return known[1]


def _stored(part: Any) -> dict[str, JsonValue]:
    kept: dict[str, JsonValue] = {}
    for f in fields(part):
        default = f.default if f.default_factory is MISSING else f.default_factory()
        value = getattr(part, f.name)
        if f.name not in _FOR_PEOPLE and value != default:
            kept[f.name] = _plain(value)
    return kept


def _plain(value: Any) -> JsonValue:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Parameter | Needs | Undo):
        return _stored(value)
    return dict(value) if isinstance(value, Mapping) else value
