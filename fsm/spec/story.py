"""A story: what was arranged, what was asked for, what came of it. Sentences act on it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from fsm.app.skills import load
from fsm.document import suggest
from fsm.engine.site import Site
from fsm.errors import FsmError, Invalid, Problem
from fsm.plan.template import TemplateError
from fsm.run.endings import Ending, Purpose
from fsm.spec.endings import Script, Unrendered, limited
from fsm.spec.stages import Opener, Rehearsal, Stage, Tape
from fsm.views.report import EXIT_CODES, report, report_text

if TYPE_CHECKING:
    from fsm.plan.model import Plan, Step
    from fsm.run import Run
    from fsm.run import events as on
    from fsm.spec.machines import MachineStory

__all__ = ["Answer", "Mismatch", "Story"]


class Mismatch(AssertionError):
    """What a sentence says did not happen; its text says what did."""


@dataclass
class Answer:
    """How one command ended. `exit_code` is `None` of one whose process died.

    `told` says that the specification spoke of the refusal `error`, or of the exit code.
    """

    command: str
    exit_code: int | None
    printed: str
    error: FsmError | None = None
    told: bool = False


@dataclass
class Story:
    """One scenario's plan (or machine), the endings it scripts, and the run that came of it.

    `folder` is where the feature stands: files are named from there. `open_stage` makes the stage on which
    the plan is run; if what is not scripted really happens there, `scratch` is the folder that it happens in.
    """

    folder: Path
    open_stage: Opener = Rehearsal
    scratch: Path | None = None
    script: Script = field(default_factory=Script)
    typed: dict[str, str] = field(default_factory=dict)
    parallel: int | None = None
    path: Path | None = None
    approved_digest: str = ""
    approver: str = ""
    answers: list[Answer] = field(default_factory=list)
    machine: MachineStory | None = None
    stage: Stage | None = None
    _plan: Plan | None = None

    def __post_init__(self) -> None:
        self.tape = Tape(self.ending, self.script.speaks_of)

    # The plan.

    def open_plan(self, file: str) -> None:
        """The story is about the plan in this file. Raises `Invalid`."""
        self.path = self.found(file, "plan")
        self._plan, self.approved_digest, self.approver = None, "", ""
        self.plan  # noqa: B018 - whatever is wrong with it is said here

    @property
    def plan(self) -> Plan:
        """The plan as it resolves now. Raises `Invalid`."""
        if self.path is None:
            raise Invalid(
                [Problem("no plan was named yet", 'begin with: Given the approved plan "FILE"')]
            )
        if self._plan is None:
            self._plan = _loaded(self.path, tuple(self.typed.items()), self.parallel)
        return self._plan

    def change(self) -> None:
        """Something that the plan resolves from was arranged."""
        if self.stage is not None:
            raise Invalid([Problem("the plan runs already", "say this before the first When")])
        self._plan = None

    def approve(self, by: str) -> None:
        """Somebody consents to the plan as it resolves now."""
        self.approved_digest, self.approver = self.plan.digest, by

    def found(self, file: str, what: str) -> Path:
        """The file of that name beside the feature. Raises `Invalid` with the near names."""
        path = self.folder / file
        if not path.is_file():
            near = sorted(p.name for p in path.parent.glob(f"*{path.suffix}"))
            above = next(
                (up for up in ("../", "../../") if (self.folder / up / file).is_file()), None
            )
            hint = suggest(path.name, near) or (f"there is: {', '.join(near)}" if near else "")
            if above:
                hint = f"did you mean `{above}{file}`?"
            raise Invalid([Problem(f"there is no {what} `{file}` beside the feature", hint)])
        return path

    def step(self, name: str) -> Step:
        """The step of that id. Raises `Invalid` with the near names."""
        plan = self.plan
        if name not in plan.positions:
            known = f"its steps: {', '.join(plan.positions)}"
            raise Invalid(
                [
                    Problem(
                        f"the plan {plan.id} has no step `{name}`",
                        suggest(name, plan.positions) or known,
                    )
                ]
            )
        return plan.step(name)

    # What was arranged.

    def says(self, step: str, purpose: Purpose, *endings: Ending) -> None:
        """From now on the step's attempts end like this."""
        found = self.step(step)
        self._has(found, purpose)
        after = 0
        if self.stage is not None:
            record = self.stage.run.record(step)
            after = {"run": record.attempt, "rollback": record.undo_attempt, "check": 0}[purpose]
        self.script.say(step, purpose, endings, after=after)

    def _has(self, step: Step, purpose: Purpose) -> None:
        if purpose == "rollback" and step.rollback is None:
            raise Invalid([Problem(f"the step `{step.id}` has no rollback")])
        if purpose == "check" and step.check is None:
            raise Invalid([Problem(f"the step `{step.id}` has no check")])

    def takes(self, step: str, purpose: Purpose, seconds: float) -> None:
        """Each attempt takes so long."""
        self._has(self.step(step), purpose)
        self.script.takes(step, purpose, seconds)

    def pause_at(self, step: str, purpose: Purpose, attempt: int = 0) -> None:
        """Somebody stops the run once this is launched: that attempt, or the next one."""
        self._has(self.step(step), purpose)
        self.tape.pauses.add((step, purpose, attempt))

    def ending(self, step_id: str, attempt: int, purpose: Purpose) -> Ending:
        """How an attempt ends: as scripted, in its time, and only if its templates can be rendered."""
        step = self.plan.step(step_id)
        call = step.call
        if purpose == "rollback" and step.rollback is not None:
            call = step.rollback.call
        elif purpose == "check" and step.check is not None:
            call = step.check
        try:
            self._site.task(step, purpose, call, attempt, self.run.names)
        except TemplateError as error:
            return Unrendered("failed", 0.0, error=str(error), exit_code=None)
        asked = self._stand_ins.get(step_id, {})
        ending = self.script.ending(step_id, attempt, purpose, asked)
        is_told = self.script.tells_time(step_id, purpose)
        return limited(ending, step, purpose, is_told=is_told)

    @cached_property
    def _stand_ins(self) -> Mapping[str, Mapping[str, str]]:
        from fsm.run.explore import stand_ins

        return stand_ins(self.plan)

    @cached_property
    def _site(self) -> Site:
        return Site("simulated", self.plan, Path("/"), Path("/"), {})

    # What was asked for.

    @property
    def run(self) -> Run:
        """The run. Raises `Invalid` if there is none yet."""
        if self.stage is None:
            raise Invalid([Problem("nothing was run yet", "say: When somebody runs the plan")])
        return self.stage.run

    def start(self, who: str) -> None:
        """Run the plan."""
        del who  # who may run a plan is not asked: who approved it is
        if self.stage is not None:
            raise Invalid([Problem("the plan runs already", "resume it, or roll it back")])

        def begin() -> None:
            self.stage = self.open_stage(self.plan, self.tape)
            try:
                self.stage.begin(self.approved_digest, self.approver or "nobody")
            except FsmError:
                self.stage.close()
                self.stage = None
                self.tape.events.clear()
                raise

        self._command("fsm run", begin)

    def ask(self, command: str, event: on.Event | None, exit_code: int | None = None) -> None:
        """Carry the run on with what a person asks; `exit_code` if the command always has that one."""
        self.run  # noqa: B018 - there is one, or this says what to do
        self._command(command, lambda: self._stage_ask(event), exit_code)

    def _stage_ask(self, event: on.Event | None) -> None:
        assert self.stage is not None
        self.stage.ask(event)

    def _command(self, command: str, act: Callable[[], None], exit_code: int | None = None) -> None:
        self.refuse_untold()
        tape = self.tape
        tape.lines.clear()
        tape.stopped = tape.died = False
        try:
            act()
        except FsmError as error:
            self.answers.append(Answer(command, error.exit_code, str(error), error))
            return
        run = self.run
        text = "\n".join([*tape.lines, "", report_text(report(run))])
        code: int | None = EXIT_CODES.get(run.state) if exit_code is None else exit_code
        if tape.stopped and run.state != "completed":
            code = 130
        if tape.died:
            code = None
        self.answers.append(Answer(command, code, text))

    def refuse_untold(self) -> None:
        """Raises `Mismatch` if what was last asked for was refused, and the specification did not say so."""
        if self.machine is not None and (refusal := self.machine.refusal):
            self.machine.refusal = None
            say = f'Then the trigger "{refusal.trigger}" is refused'
            raise Mismatch(f"{refusal}\nif that is meant, say: {say}")
        if self.answers and (error := self.answers[-1].error) and not self.answers[-1].told:
            self.answers[-1].told = True
            raise Mismatch(
                f"`{self.answers[-1].command}` was refused: {error}\n"
                "if that is meant, say: Then it is refused"
            )

    @property
    def answer(self) -> Answer:
        """How the last command ended. Raises `Invalid` if there was none."""
        if not self.answers:
            raise Invalid(
                [Problem("nothing was asked for yet", "say: When somebody runs the plan")]
            )
        return self.answers[-1]

    def close(self) -> None:
        """Leave nothing behind."""
        if self.stage is not None:
            self.stage.close()

    # What came of it.

    def events(self, *kinds: type[on.Event]) -> list[on.Event]:
        """The facts of these kinds, in their order."""
        self.run  # noqa: B018 - of what did not run nothing is said
        return [event for event in self.tape.events if isinstance(event, kinds)]

    def steps(self, names: Iterable[str]) -> Sequence[Step]:
        """The steps of these ids. Raises `Invalid`."""
        return [self.step(name) for name in names]


def _loaded(path: Path, typed: tuple[tuple[str, str], ...], parallel: int | None) -> Plan:
    """The plan; read once for as long as the file is the same."""
    stat = path.stat()
    key = (path, stat.st_mtime_ns, stat.st_size, typed, parallel)
    if key not in _PLANS:
        if len(_PLANS) > 200:
            _PLANS.clear()
        _PLANS[key] = load(path, typed=dict(typed), parallel=parallel)
    return _PLANS[key]


_PLANS: dict[tuple[object, ...], Plan] = {}
