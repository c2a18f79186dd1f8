"""Loading a skill that is declared in YAML: from its file to a `SkillSpec`, or every reason why not."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, get_type_hints

from fsm.document import Data, Document, Path, read_document, suggest
from fsm.plan.loading.authored_skill import ACTION, HEAD, Action, SkillKeys
from fsm.plan.loading.commands import Commands
from fsm.plan.loading.findings import SKILL, Findings, known_or_similar, quoted
from fsm.plan.loading.load import checked
from fsm.plan.loading.texts import May, Use
from fsm.plan.loading.undoing import check_undo
from fsm.plan.loading.values import ID
from fsm.plan.skill import ActionSpec, Kind, Needs, Parameter, SkillSpec, Undo, value_fault
from fsm.plan.template import MARK, References, Template, TemplateError, has_template, references

if TYPE_CHECKING:
    from pydantic import JsonValue

__all__ = ["load_skill", "resolve_skill"]

_SKILL: Path = ("skill",)
_ACTIONS: Path = SKILL.steps
_KINDS: Mapping[type, Kind] = {
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "text",
    list: "list",
    dict: "mapping",
}


def load_skill(path: os.PathLike[str] | str) -> SkillSpec:
    """The skill that the file declares. Raises `Invalid` with every problem found, in its order."""
    return resolve_skill(read_document(path, lenient=True))


def resolve_skill(document: Document) -> SkillSpec:
    """As `load_skill`, of a document that was read already."""
    findings = Findings(document, SKILL)
    raw = _outline(document.data, findings)
    head = checked(
        HEAD, {key: raw[key] for key in raw if key != "actions"}, _SKILL, findings, ("name",)
    )
    head = head or {}
    _is_named_as_its_file(head, findings)
    actions = {
        name: action
        for name, typed in _mapping_of_actions(raw, findings).items()
        if (action := _action(name, typed, findings)) is not None
    }
    for name, action in actions.items():
        check_undo(action, actions, (*_ACTIONS, name), findings)
    findings.raise_if_any()
    return SkillSpec(
        name=head["name"],
        description=head.get("description", ""),
        actions=actions,
        origin=document.path,
        source="declared",
    )


def _outline(data: Data, findings: Findings) -> Mapping[str, Data]:
    """What stands under `skill:`. Raises `Invalid` if there is no such thing."""
    keys = data if isinstance(data, dict) else {}
    for key in keys:
        if key != "skill":
            known = key in SkillKeys.__annotations__
            hint = "move it under `skill:`" if known else suggest(key, ["skill"])
            findings.add(
                (key,), f"the file has no key `{quoted(key)}`", hint or "the only one is `skill`"
            )
    if "skill" not in keys:
        findings.add((), "the file declares no skill", "begin it with `skill:`")
    elif not isinstance(keys["skill"], dict):
        what = "is empty" if keys["skill"] is None else "must be a mapping"
        findings.add(_SKILL, f"the skill {what}", "give it a `name` and `actions`")
    else:
        return keys["skill"]
    findings.raise_if_any()
    return {}


def _is_named_as_its_file(head: Mapping[str, Any], findings: Findings) -> None:
    """So that a skill is found by its name, and not by reading every file there is."""
    stem = PurePath(findings.document.path).stem
    name = head.get("name")
    if name is not None and findings.value((*_SKILL, "name")) == name and name != stem:
        findings.add(
            (*_SKILL, "name"),
            f"the skill is called `{name}`, but its file `{quoted(PurePath(findings.document.path).name)}`",
            "give both the same name",
        )


def _mapping_of_actions(raw: Mapping[str, Data], findings: Findings) -> Mapping[str, Data]:
    if "actions" not in raw:
        findings.add(_SKILL, "the skill has no `actions`", "it needs one or more")
        return {}
    actions = raw["actions"]
    if isinstance(actions, dict) and actions:
        return actions
    what = "is empty" if not actions else "must be a mapping"
    findings.add(_ACTIONS, f"`actions` of the skill {what}", "begin each action with its name")
    return {}


def _action(name: str, raw: Data, findings: Findings) -> ActionSpec | None:
    path: Path = (*_ACTIONS, name)
    if not re.fullmatch(ID, name):
        words = "must be 1 to 64 letters, digits, `_`, `.` or `-`, and begin with a letter or digit"
        findings.add(path, f"the name of an action {words}, not `{quoted(name)}`")
    typed = checked(ACTION, raw, path, findings, ())
    if typed is None:
        return None
    _does_one_thing(raw, path, findings)
    needs = typed.get("needs", {})
    params = {
        parameter: _parameter(parameter, keys, (*path, "params", parameter), findings)
        for parameter, keys in typed.get("params", {}).items()
    }
    action_texts = _Texts(params, findings)
    commands = Commands(action_texts, needs.get("secrets", ()), findings)
    texts: dict[str, Any] = {
        key: commands.command(typed[key], Use((*path, _spelled(key, raw)), "", May.STEP))
        for key in ("run", "check", "dry_run")
        if key in typed
    }
    env, required = commands.env(typed.get("env", {}), Use((*path, "env"), "", May.STEP))
    needed = {key: tuple(words) for key, words in needs.items()}
    needed["env"] = (*needed.get("env", ()), *required)
    undo = typed.get("undo")
    risk = typed.get("risk", "write")
    if undo is not None and risk != "write":
        findings.add(
            (*path, "undo"),
            f"{findings.words(path)} has an `undo`, and its `risk` is `{risk}`",
            "keep one of the two",
        )
    return ActionSpec(
        name=name,
        description=typed.get("description", ""),
        params=tuple(params.values()),
        outputs=tuple(typed.get("outputs", ())),
        needs=Needs(**needed),
        risk=risk,
        idempotent=typed.get("idempotent", risk == "read"),
        undo=Undo(action=undo) if isinstance(undo, str) else Undo(**undo) if undo else None,
        has_check="check" in typed,
        has_dry_run="dry_run" in typed,
        env={**env},  # type: ignore[dict-item]
        cwd=typed.get("cwd", ""),
        timeout_seconds=typed.get("timeout"),
        call=action_texts.call(typed["call"], Use((*path, "call"), "", May.STEP))
        if "call" in typed
        else None,
        **texts,
    )


def _does_one_thing(raw: Data, path: Path, findings: Findings) -> None:
    """It has `run` or `call`; nothing is said of what has neither, but a key that may be meant so."""
    keys = raw.keys() if isinstance(raw, dict) else set()
    words = findings.words(path)
    if "run" in keys and "call" in keys:
        findings.add((*path, "call"), f"{words} has both `run` and `call`", "keep one of the two")
    elif not keys & {"run", "call"} and keys <= get_type_hints(Action).keys():
        hint = "give it `run`, or a `call` of another skill"
        findings.add(path, f"{words} does nothing", hint)


def _spelled(key: str, raw: Data) -> str:
    return "dryRun" if key == "dry_run" and isinstance(raw, dict) and "dryRun" in raw else key


def _parameter(name: str, typed: Any, path: Path, findings: Findings) -> Parameter:
    """One parameter. Its type is that of its default, and it is required unless it has one."""
    keys: dict[str, Any] = {"type": typed} if isinstance(typed, str) else dict(typed)
    default = keys.get("default")
    parameter = Parameter(
        name=name,
        kind=keys.get("type") or _KINDS.get(type(default), "any"),
        required=keys.get("required", "default" not in keys),
        default=default,
        choices=tuple(keys.get("choices", ())),
        secret=keys.get("secret", False),
        options=keys.get("options", False),
        description=keys.get("description", ""),
    )
    if "default" not in keys:
        return parameter
    if keys.get("required"):
        findings.add(
            (*path, "required"),
            f"{findings.words(path)} is required, and has a default",
            "keep one of the two",
        )
    elif default is not None and (fault := value_fault(parameter, default)):
        findings.add((*path, "default"), f"{findings.words((*path, 'default'))} {fault}")
    elif parameter.secret:
        findings.add(
            (*path, "default"),
            f"{findings.words(path)} is secret, and has a default",
            "take it out: who reads the file knows it",
        )
    return parameter


class _Texts:
    """Templates of one action: they name its parameters and nothing else, and wait until they are known."""

    def __init__(self, params: Mapping[str, Parameter], findings: Findings) -> None:
        self._params = params
        self._findings = findings

    def text(self, value: str, use: Use) -> str | Template:
        """See `fsm.plan.loading.texts.Texts.text`."""
        if not has_template(value):
            return value
        try:
            named = references(value)
        except TemplateError as error:
            self._findings.add_template(use.path, error)
            return value
        for message, hint in self._faults(named, use):
            self._findings.add(use.path, f"{self._findings.words(use.path)} {message}", hint)
        return {MARK: value}

    def call(self, typed: Mapping[str, Any], use: Use) -> dict[str, JsonValue]:
        """A call of another skill's action, the templates in its parameters marked."""
        if typed["skill"] == "shell":
            path = use.at("skill").path
            message = f"{self._findings.words(path)} is what `run` is short for"
            self._findings.add(path, message, "write `run`: there values stay data")
        given = typed.get("params", {})
        params = {name: self._value(value, use.at("params", name)) for name, value in given.items()}
        return {"skill": typed["skill"], "action": typed["action"], "params": params}

    def _value(self, value: JsonValue, use: Use) -> JsonValue:
        if isinstance(value, str):
            marked = self.text(value, use)
            return marked if isinstance(marked, str) else {MARK: marked[MARK]}
        if isinstance(value, list):
            return [self._value(item, use.at(place)) for place, item in enumerate(value)]
        if isinstance(value, dict):
            return {key: self._value(item, use.at(key)) for key, item in value.items()}
        return value

    def _faults(self, named: References, use: Use) -> Iterator[tuple[str, str]]:
        if more := sorted(named.roots - {"params"}):
            yield f"names `{more[0]}`, but a skill knows its parameters only", "use `params`"
        for name in sorted(named.params):
            parameter = self._params.get(name)
            if parameter is None:
                hint = known_or_similar(
                    name, self._params, "declare it under the action's `params`"
                )
                yield f"names `params.{quoted(name)}`, which the action does not have", hint
            elif parameter.secret and not {"env", "call"} & {*use.path[len(_ACTIONS) :]}:
                hint = f'give it as `env: {{{name.upper()}: "{{{{ params.{name} }}}}"}}`'
                yield (
                    f"names the secret `params.{name}`, and whoever looks at the process reads its arguments",
                    hint,
                )
