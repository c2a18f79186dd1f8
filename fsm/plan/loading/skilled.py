"""Calls of skills while a plan is loaded: held to what the skill says of them, and completed by it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from fsm.errors import Invalid
from fsm.plan.loading.findings import Findings, known_or_similar, quoted
from fsm.plan.model import Call, Rollback
from fsm.plan.skill import ActionSpec, value_fault
from fsm.plan.template import MARK, references, templates

if TYPE_CHECKING:
    from pydantic import JsonValue

    from fsm.document import Path
    from fsm.plan.loading.texts import Use
    from fsm.plan.skill import Skills, SkillSpec

__all__ = ["FindSkills", "Skilled"]

FindSkills = Callable[[Sequence[str]], "Skills"]
"""Gives the skills there are, with those that the plan names itself under `skills:`."""

_WHOLE: Final = "{{ %s }}"


@dataclass
class Skilled:
    """Knows the skills that a plan may use. What is wrong with a call goes to `findings`.

    Without `find` nothing is known of skills, and every call is taken as it is. `allowed` are those that the
    plan restricts itself to, if it does.
    """

    find: FindSkills | None
    named: Sequence[str]
    allowed: Collection[str] | None
    findings: Findings

    def __post_init__(self) -> None:
        self._skills: Skills | None = None
        self._known: dict[str, SkillSpec | None] = {}
        self._broken: set[str] = set()
        self._refused: set[Path] = set()
        self._whole: dict[str, ActionSpec] = {}
        self._used: defaultdict[str, set[str]] = defaultdict(set)
        self._calls: defaultdict[str, dict[str, str]] = defaultdict(dict)

    def stored(self) -> dict[str, JsonValue]:
        """What the plan keeps of the skills that it uses (`Plan.skills`)."""
        kept: dict[str, JsonValue] = {}
        for name in sorted(self._used):
            skill = self._known[name]
            assert skill is not None
            kept[name] = replace(skill, calls=self._calls[name]).stored(self._used[name])
        return kept

    def spec(self, call: Call, path: Path) -> ActionSpec | None:
        """What the skill says of the call's action; `None` if nothing is known, or it is refused."""
        if path in self._refused:
            return None
        spec = self._found(call, path)
        if spec is None:
            return None
        self._used[call.skill].add(spec.name)
        return spec if spec.call is None else self._composed(call.skill, spec, path)

    def _composed(
        self, skill: str, spec: ActionSpec, path: Path, callers: tuple[str, ...] = ()
    ) -> ActionSpec | None:
        """An action that calls another skill's: also what that one can do and needs; all of it is used."""
        here = f"{skill}.{spec.name}"
        if spec.call is None or here in self._whole:
            return self._whole.get(here, spec)
        chain = (*callers, here)
        if here in callers:
            told = " → ".join(chain[callers.index(here) :])
            message = f"skills call each other in a circle: {told}"
            self._refuse(path, "skill", message, "end it in one of them")
            return None
        call = Call(**spec.call)
        known = len(self._refused)
        inner = self._found(call, path, f", which {here} calls")
        if inner is not None:
            self._used[call.skill].add(inner.name)
            inner = self._composed(call.skill, inner, path, chain)
        if inner is None:
            return None if len(self._refused) > known else spec
        there = f"{call.skill}.{call.action}"
        for fault in _faults(spec, call, inner):
            self._refuse(path, "skill", f"{here} gives {there} {fault}", "mend the skill")
        if spec.risk == "read" and inner.risk != "read":
            message = f"{here} has the `risk` `read`, and calls {there}, which has `{inner.risk}`"
            self._refuse(path, "skill", message, "mend the skill")
        if inner.code in call.params:
            place, words = (
                self.findings.real((*path, "skill")),
                f"`{inner.code}` of {there} in {here}",
            )
            self._approve_code(call, inner, place, words)
        self._whole[here] = replace(
            spec,
            has_check=spec.has_check or inner.has_check,
            has_dry_run=spec.has_dry_run or inner.has_dry_run,
            needs=replace(spec.needs, env=(*spec.needs.env, *inner.needs.env)),
        )
        return self._whole[here]

    def _found(self, call: Call, path: Path, why: str = "") -> ActionSpec | None:
        if self.allowed is not None and call.skill not in self.allowed:
            words = self.findings.words(path)
            message = (
                f"{words} uses the skill `{quoted(call.skill)}`{why}, which the plan does not allow"
            )
            self._refuse(path, "skill", message, "add it to the plan's `allowed_skills`")
            return None
        if self.find is None or call.skill == "shell":
            return None
        if self._skills is None:
            self._skills = self.find(self.named)
        if call.skill in self._skills.own or call.skill in self._broken:
            return None
        if call.skill not in self._known:
            try:
                self._known[call.skill] = self._skills.find(call.skill)
            except Invalid as error:
                self._tell(error, call.skill, path)
                return None
        skill = self._known[call.skill]
        if skill is None:
            hint = known_or_similar(
                call.skill, [*self._skills.names(), "shell"], "list them with: fsm skills"
            )
            self._refuse(path, "skill", f"no skill is called `{quoted(call.skill)}`{why}", hint)
            return None
        spec = skill.actions.get(call.action)
        if spec is None:
            hint = known_or_similar(call.action, skill.actions, f"see: fsm skills {skill.name}")
            message = f"skill `{skill.name}` has no action `{quoted(call.action)}`{why}"
            self._refuse(path, "action", message, hint)
        return spec

    def _tell(self, error: Invalid, name: str, path: Path) -> None:
        """Why the skill cannot be used: once, where it is declared or named, or else where it is used."""
        self._broken.add(name)
        self._refused.add(path)
        for problem in error.problems:
            if problem.path:
                self.findings.add_foreign(problem)
                continue
            named = [n for n, text in enumerate(self.named) if f" {text} " in problem.message]
            place = ("plan", "skills", named[0]) if named else (*path, "skill")
            place = self.findings.real(place)
            told = self.findings.document.problem(place, problem.message, problem.hint)
            self.findings.add_foreign(told)

    def _refuse(self, path: Path, key: str, message: str, hint: str) -> None:
        self._refused.add(path)
        self.findings.add(self.findings.real((*path, key)), message, hint)

    def completed(self, call: Call, use: Use) -> Call:
        """The call with its parameters checked, and the defaults of those that were not given."""
        spec = self.spec(call, use.path)
        if spec is None:
            return call
        params = dict(call.params)
        for name, value in call.params.items():
            path = self.findings.real((*use.path, "params", name))
            parameter = spec.parameter(name)
            if parameter is None:
                message = f"action `{spec.name}` has no parameter `{quoted(name)}`"
                names = [parameter.name for parameter in spec.params]
                hint = known_or_similar(name, names, "it has: " + ", ".join(names))
                self.findings.add(path, message, hint)
            elif parameter.secret and not any(
                references(text).secrets for text in templates(value)
            ):
                message = f"{self.findings.words(path)} is secret, and a plan never holds its value"
                hint = "name it under the plan's `secrets`, and write `{{ secrets.NAME }}`"
                self.findings.add(path, message, hint)
            elif not any(templates(value)) and (fault := value_fault(parameter, value)):
                self.findings.add(path, f"{self.findings.words(path)} {fault}")
        for parameter in spec.params:
            if parameter.name in params:
                continue
            if parameter.required:
                path = self.findings.real((*use.path, "params"))
                message = f"{self.findings.words(use.path)} has no parameter `{parameter.name}`"
                self.findings.add(path, message, f"action `{spec.name}` needs it")
            elif parameter.default is not None:
                params[parameter.name] = parameter.default
        if spec.code in call.params:
            place = self.findings.real((*use.path, "params", spec.code))
            self._approve_code(call, spec, place, self.findings.words(place))
        return replace(call, params=params)

    def _approve_code(self, call: Call, spec: ActionSpec, place: Path, words: str) -> None:
        """Make the code that the call names part of the plan (F78)."""
        assert self._skills is not None
        named = call.params[spec.code]
        if any(templates(named)):
            message = f"{words} is not known before the plan runs"
            self.findings.add(place, message, "name the code plainly, so that it can be approved")
            return
        if not isinstance(named, str):
            return  # that is told already
        try:
            name, digest = self._skills.code_named(call.skill, spec.name, call.params)
        except Invalid as error:
            for problem in error.problems:
                self.findings.add(place, problem.message, problem.hint)
        else:
            self._calls[call.skill][name] = digest

    def lent(self, action: str, step_call: Call, step_id: str, path: Path) -> dict[str, JsonValue]:
        """What an action is given that stands in a step, such as its rollback, without params of its own."""
        spec = self.spec(step_call, path)
        if spec is None:
            return step_call.params
        if spec.undo is not None and spec.undo.action == action and spec.undo.params is not None:
            return {
                name: _filled(value, step_call, step_id) for name, value in spec.undo.params.items()
            }
        skill = self._known[step_call.skill]
        other = skill.actions.get(action) if skill is not None else None
        if other is None:
            return step_call.params
        names = {parameter.name for parameter in other.params}
        return {name: value for name, value in step_call.params.items() if name in names}

    def derived(self, call: Call, step_id: str, path: Path) -> Mapping[str, Any]:
        """The fields that the step has from its skill, where the plan says nothing else."""
        spec = self.spec(call, path)
        if spec is None:
            return {}
        fields: dict[str, Any] = {"read_only": spec.risk == "read", "idempotent": spec.idempotent}
        if spec.undo is not None:
            params = self.lent(spec.undo.action, call, step_id, path)
            undo = Call(skill=call.skill, action=spec.undo.action, params=params)
            other = self.spec(undo, path)
            limit = other.timeout_seconds if other is not None else None
            fields["rollback"] = Rollback(call=undo, timeout_seconds=limit)
        if spec.has_check:
            fields["check"] = call
        if spec.has_dry_run:
            fields["dry_run"] = call
        if spec.timeout_seconds is not None:
            fields["timeout_seconds"] = spec.timeout_seconds
        if spec.needs.env:
            fields["required_env"] = spec.needs.env
        return fields

    def secrets(self) -> tuple[str, ...]:
        """The variables whose values are to be masked because an action that is used needs them."""
        found = dict.fromkeys(
            name
            for skill, actions in sorted(self._used.items())
            for action in sorted(actions)
            for name in self._needs(skill, action)
        )
        return tuple(found)

    def _needs(self, skill: str, action: str) -> tuple[str, ...]:
        known = self._known[skill]
        assert known is not None
        return known.actions[action].needs.secrets


def _faults(caller: ActionSpec, call: Call, spec: ActionSpec) -> Iterator[str]:
    """What is wrong with the parameters that the caller, an action of a skill, gives another one's."""
    for name, value in call.params.items():
        parameter = spec.parameter(name)
        if parameter is None:
            yield f"`{quoted(name)}`, which is no parameter of it"
        elif parameter.secret and not _is_secret(value, caller):
            yield f"`{name}`, which is secret there, from what is not secret here"
        elif not any(templates(value)) and (fault := value_fault(parameter, value)):
            yield f"a wrong `{name}`: it {fault}"
    for parameter in spec.params:
        if parameter.required and parameter.name not in call.params:
            yield f"no `{parameter.name}`"


def _is_secret(value: JsonValue, caller: ActionSpec) -> bool:
    """Whether it is made of parameters of the caller that are secret, and of no others."""
    named = {name for text in templates(value) for name in references(text).params}
    found = [caller.parameter(name) for name in named]
    return bool(found) and all(parameter is not None and parameter.secret for parameter in found)


def _filled(value: JsonValue, call: Call, step_id: str) -> JsonValue:
    """A value of `Undo.params`: of a whole `{{ params.X }}` or `{{ outputs.X }}`, what it stands for."""
    if not isinstance(value, str) or not value.startswith("{{"):
        return value
    root, _, name = value.strip("{ }").partition(".")
    if root == "params":
        return call.params.get(name)
    return {MARK: _WHOLE % f'steps["{step_id}"].outputs["{name}"]'}
