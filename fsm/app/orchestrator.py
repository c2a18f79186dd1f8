"""S3's Python API: a workflow of phases, each a command or a function of the calling program.

    workflow = WorkflowOrchestrator(workflow_id="release", phases=["build", "test"])

    @workflow.phase("build")
    def build(): return {"wheel": "x.whl"}

    workflow.bind("test", "pytest -q")
    workflow.execute()["build"]["result"]      # {"wheel": "x.whl"}

A thin layer: the phases are the steps of a plan, run, recorded and recovered as every plan is.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from fsm.actions.python.functions import Function, FunctionAction
from fsm.app import api
from fsm.app.phases import can_run, results_of
from fsm.app.recovery import find_run
from fsm.app.workflow_spec import Phase, WorkflowSpec, phases_of, spec_of, specification
from fsm.app.workspace import Workspace, backend_url
from fsm.document import parse_document
from fsm.engine.recovery import refold
from fsm.errors import Invalid, Problem, Refused
from fsm.plan import graph
from fsm.plan.loading.phases import resolve_phases
from fsm.plan.model import Call, Plan, Step

if TYPE_CHECKING:
    from fsm.run import Run

__all__ = ["WorkflowOrchestrator", "WorkflowResult"]

F = TypeVar("F", bound=Callable[[], Any])
_PYTHON = "python"


class WorkflowResult(dict[str, dict[str, Any]]):
    """What came of each phase, by its name: `{"p1": {"status": "completed", "result": …}, …}`.

    `status` is that of the whole, the state its run rests in (`completed`, `failed`, `paused` …);
    `result["status"]` is the same. It is no item: the items are the phases. `run_id` names the run.
    """

    def __init__(self, phases: Mapping[str, dict[str, Any]], status: str, run_id: str) -> None:
        super().__init__(phases)
        self.status = status
        self.run_id = run_id

    def __missing__(self, key: str) -> Any:
        if key == "status":
            return self.status
        raise KeyError(key)


class WorkflowOrchestrator:
    """A workflow that can be validated, executed, and recovered after a crash or a failure.

    `spec` is a `WorkflowSpec`, a mapping with its fields, or the path of a specification file. Instead,
    `workflow_id` and `phases`: `Phase` objects, mappings, or names. A list of names is a sequence: each
    waits for the one before it, and is skipped if that failed.

    `commands` binds names to commands or functions, as `bind` and `@workflow.phase` do. A function takes
    nothing and returns JSON; an async one is awaited. Only its name is part of the plan and its digest.
    `state` is a store as in `--state`; else FSM_STATE, else the `state_backend` in this folder.
    """

    def __init__(
        self,
        spec: WorkflowSpec | Mapping[str, Any] | str | os.PathLike[str] | None = None,
        *,
        workflow_id: str = "",
        phases: Iterable[Phase | Mapping[str, Any] | str] = (),
        state_backend: Literal["json", "sqlite", "redis"] = "json",
        checkpoint_interval: int | None = None,
        commands: Mapping[str, str | Function] | None = None,
        state: str | None = None,
    ) -> None:
        if spec is None:
            spec = WorkflowSpec(
                workflow_id=workflow_id,
                phases=phases_of(phases),
                state_backend=state_backend,
                checkpoint_interval=checkpoint_interval,
            )
        self.spec = specification(spec)
        self._functions: dict[str, Function] = {}
        self._state = state
        self._run_id = ""
        for name, what in (commands or {}).items():
            self.bind(name, what)

    @classmethod
    def load(
        cls,
        workflow_id: str,
        *,
        commands: Mapping[str, str | Function] | None = None,
        state: str | None = None,
    ) -> WorkflowOrchestrator:
        """The workflow whose newest run is stored here, to be recovered: with `workflow_id`, or a run's id.

        Functions are not stored: bind them again. Raises `Refused` or `Invalid` if there is no such run.
        """
        workspace, found, url = find_run(workflow_id, state)
        run = refold(workspace.store.load(found.run_id))
        if any(step.on_failure != "skip_dependents" for step in run.plan.steps):
            raise Refused(
                f"run {found.run_id} is of a plan, not of a workflow in phases",
                f"take it up with: fsm resume {found.run_id}",
            )
        workflow = cls(spec_of(run.plan), commands=commands, state=url)
        workflow._run_id = found.run_id
        return workflow

    def bind(self, name: str, what: str | Function) -> None:
        """Let the phase run a command or a function. Raises `Invalid` if there is no such phase."""
        phase = next((phase for phase in self.spec.phases if phase.name == name), None)
        if phase is None:
            known = ", ".join(f"`{phase.name}`" for phase in self.spec.phases)
            raise Invalid([Problem(f"no phase is called `{name}`", f"there is: {known}")])
        if isinstance(what, str):
            phase.command = what
            self._functions.pop(name, None)
        else:
            self._functions[name] = what

    def phase(self, name: str) -> Callable[[F], F]:
        """Decorates the function that is the phase of that name."""

        def bind(function: F) -> F:
            self.bind(name, function)
            return function

        return bind

    @property
    def plan(self) -> Plan:
        """The plan that the phases mean. Raises `Invalid` with every problem that `problems` lists."""
        if unbound := [p.name for p in self.spec.phases if not self._is_bound(p)]:
            raise Invalid(map(_unbound, unbound))
        if any(phase.name == "status" for phase in self.spec.phases):
            hint = "give it another name"
            raise Invalid([Problem('`status` is no phase: result["status"] is the whole\'s', hint)])
        fields = self.spec.model_dump(exclude_none=True)
        for phase in fields["phases"]:
            if phase["name"] in self._functions:
                phase["command"] = _name(self._functions[phase["name"]])
        try:
            plan = resolve_phases(parse_document(json.dumps(fields), "workflow")).plan
        except Invalid as error:
            raise Invalid([Problem(p.message, p.hint) for p in error.problems]) from None
        return replace(plan, steps=tuple(map(self._bound, plan.steps)))

    def problems(self) -> list[str]:
        """Everything that keeps the workflow from being executed, in words; an empty list if nothing does."""
        try:
            plan = self.plan
        except Invalid as error:
            return [str(problem) for problem in error.problems]
        found = can_run(self._workspace(), plan)
        return [
            f"the command of phase `{step.id}` cannot be run here"
            for step in plan.steps
            if not found[f"{step.id}_cmd"]
        ]

    def validate(self) -> dict[str, bool]:
        """`{"p1_cmd": …, "p1_deps": …}`: its command is there; its dependencies are, and in no circle."""
        phases = {phase.name: phase for phase in self.spec.phases}
        known = {
            name: [other for other in phase.depends_on if other in phases and other != name]
            for name, phase in phases.items()
        }
        circling = {name for cycle in graph.find_cycles(list(phases), known) for name in cycle}
        found: dict[str, bool] = {}
        for name, phase in phases.items():
            found[f"{name}_cmd"] = self._can_run(phase)
            whole = len(known[name]) == len(phase.depends_on)
            found[f"{name}_deps"] = whole and name not in circling
        return found

    def execute(self) -> WorkflowResult:
        """Run all phases that can be run, until nothing is left to do. This call is the consent to it.

        Raises `Invalid` if it is not valid, `Refused` if a run of the workflow is unfinished.
        """
        return self._told(api.execute(**self._wish()))

    async def execute_async(self) -> WorkflowResult:
        """As `execute`, on the caller's event loop."""
        return self._told(await api.execute_async(**self._wish()))

    def recover(self, checkpoint: int | str | None = None) -> WorkflowResult:
        """Take the newest run up after a crash or a failure: what failed, and was skipped for it, runs again.

        With a `checkpoint` (`fsm recover --list` shows them; the name of a phase means the newest before it),
        all phases that ran after it, too. A run that has completed is left as it is.
        """
        run, wish = self._stored(), self._wish_to_recover(checkpoint)
        if run.state == "completed" and checkpoint is None:
            return self._told(run)
        return self._told(api.recover(run.run_id, **wish))

    recover_from_checkpoint = recover

    async def recover_async(self, checkpoint: int | str | None = None) -> WorkflowResult:
        """As `recover`, on the caller's event loop."""
        run, wish = self._stored(), self._wish_to_recover(checkpoint)
        if run.state == "completed" and checkpoint is None:
            return self._told(run)
        return self._told(await api.recover_async(run.run_id, **wish))

    def _wish(self) -> dict[str, Any]:
        plan = self.plan
        return {
            "plan": plan,
            "approve": plan.digest,
            "how": "execute",
            "state": self._state_url(),
            "actions": self._actions(),
        }

    def _wish_to_recover(self, checkpoint: int | str | None) -> dict[str, Any]:
        return {
            "checkpoint": checkpoint,
            "state": self._state_url(),
            "actions": self._actions(),
        }

    def _stored(self) -> Run:
        """The run to be recovered; the functions that its plan calls must be bound."""
        workspace, found, _ = find_run(self._run_id or self.spec.workflow_id, self._state_url())
        run = refold(workspace.store.load(found.run_id))
        calls = [step.id for step in run.plan.steps if step.call.skill == _PYTHON]
        if unbound := [name for name in calls if name not in self._functions]:
            raise Invalid(map(_unbound, unbound))
        return run

    def _told(self, run: Run) -> WorkflowResult:
        self._run_id = run.run_id
        return WorkflowResult(results_of(self._workspace(), run), run.state, run.run_id)

    def _workspace(self) -> Workspace:
        return Workspace.here(self._state_url())

    def _state_url(self) -> str:
        given = self._state or os.environ.get("FSM_STATE")
        return given or backend_url(self.spec.state_backend)

    def _actions(self) -> dict[str, FunctionAction]:
        return {_PYTHON: FunctionAction(self._functions)}

    def _is_bound(self, phase: Phase) -> bool:
        return phase.name in self._functions or bool(phase.command and phase.command.strip())

    def _can_run(self, phase: Phase) -> bool:
        if phase.name in self._functions or not self._is_bound(phase):
            return phase.name in self._functions
        call = Call(skill="shell", action="run", params={"command": phase.command})
        alone = Step(id=phase.name, name=phase.name, call=call)
        here = self._workspace()
        return can_run(here, Plan(id="one", name="one", steps=(alone,)))[f"{phase.name}_cmd"]

    def _bound(self, step: Step) -> Step:
        if step.id not in self._functions:
            return step
        label = _name(self._functions[step.id])
        call = Call(skill=_PYTHON, action="call", params={"function": step.id, "is": label})
        return replace(step, call=call)


def _unbound(name: str) -> Problem:
    hint = (
        f'bind it: @workflow.phase("{name}") above a function, or workflow.bind("{name}", command)'
    )
    return Problem(f"the phase `{name}` is bound to no command and no function", hint)


def _name(function: Function) -> str:
    module = getattr(function, "__module__", "") or "?"
    return f"{module}.{getattr(function, '__qualname__', type(function).__name__)}"
