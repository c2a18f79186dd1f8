"""The resolved plan: one frozen value that everything after loading sees (DESIGN.md, "The plan file").

What an author may type, with its short forms and two spellings, stays private to `fsm.plan.loading`. Here
every short form is expanded, every duration is in seconds, and every template that depends on nothing but
the plan's own parameters is already rendered.

A string here is what it says, whatever braces it holds: it was written so, or a template was rendered to
it. What is still to be rendered is no string but a marker of its own, `{"$template": "…"}` (`Template`):
only `fsm.plan.template.render` opens it, when the step starts, and no rendered text ever becomes one. So
nothing can be rendered twice, and no parameter or output can smuggle a template in (F63). Loading refuses
`$template` as a key that an author or a parameter brings along.

Steps and their parts have slots: a plan of 10,000 steps takes a quarter of the memory of nested
pydantic models. Their annotations say what each field may hold, as pydantic would check it; nothing checks
a part that is made in Python, `fsm.plan.stored` one that is read back. To change a field of one, use
`dataclasses.replace`.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, field, fields
from functools import cache, cached_property
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

from fsm.values import Slotted, Value, slotted

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic import Field, JsonValue

    from fsm.plan.template.terms import Template

__all__ = [
    "Call",
    "ErrorHandling",
    "Outline",
    "Plan",
    "Response",
    "Retry",
    "Rollback",
    "Source",
    "Step",
    "shape_of_steps",
]

Response = Literal["pause", "rollback", "abort", "continue"]

_canonical = json.JSONEncoder(
    sort_keys=True,
    separators=(",", ":"),
    ensure_ascii=False,
    allow_nan=False,
    check_circular=False,
).encode


@slotted
class Retry(Slotted):
    """How often an attempt is made, and how long the next one waits: exponential, capped, jittered."""

    attempts: Annotated[int, Field(ge=1, le=1000)] = 1
    delay_seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 1.0
    factor: Annotated[float, Field(ge=1, allow_inf_nan=False)] = 2.0
    max_delay_seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 300.0
    jitter: Annotated[float, Field(ge=0, le=1)] = 0.0

    def delay_after(self, attempt: int, random: float) -> float:
        """Seconds to wait after failed attempt number `attempt` (from 1); `random` in [0, 1) spreads it.

        With `jitter` 0.1 the delay is spread evenly over ±10 %; the cap is kept after spreading.
        """
        try:
            growth = self.factor ** (attempt - 1)
        except OverflowError:
            growth = sys.float_info.max
        first = self.delay_seconds * (1 + self.jitter * (2 * random - 1))
        return min(first * growth, self.max_delay_seconds)


ONCE = Retry()


@slotted
class Call(Slotted):
    """One call of an action: `run: pytest -q` is skill `shell`, action `run`, params `{command: …}`.

    `params` are JSON values in which a `Template` may stand wherever a string may.
    """

    skill: str
    action: str
    params: dict[str, JsonValue] = field(default_factory=dict)


@slotted
class Rollback(Slotted):
    """The compensation of a step: a call with a retry and a timeout of its own.

    `on` says which steps it undoes: those that `completed`, or all that `started` (then it must cope
    with a step that failed half-way). Its templates may name the outputs of the step that it undoes.
    """

    call: Call
    retry: Retry = ONCE
    timeout_seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    on: Literal["completed", "started"] = "completed"


class _ReadLater(Slotted):
    """What a step of a stored plan is while nobody has asked for more than its id and its dependencies.

    `_read` reads it; `fsm.plan.stored.sketch` sets it, and the two fields.
    """

    __slots__ = ("_read",)

    if not TYPE_CHECKING:  # no name may pass for a field of a step

        def __getattr__(self, name):
            if name not in Step.__slots__:
                raise AttributeError(name)
            read = self._read()
            for field_name in Step.__slots__:
                object.__setattr__(self, field_name, getattr(read, field_name))
            return getattr(read, name)


@slotted
class Step(_ReadLater):
    """One action with its dependencies, retry, timeout, condition and rollback.

    `condition` is a Jinja2 expression (`if:` in the file). `check` exits 0 if the step's effect is there,
    1 if it is not; anything else is unknown. `dry_run` holds no template: it is called before any step
    has run, without those variables of `env` that are still templates then. `read_only`
    says that the step changes nothing: it has no effect to undo. `on_failure` says whether a
    failure goes by the plan's error handling, or lets the run go on: with all other steps, or with those
    that do not depend on this one, and then the run ends as failed. `checkpoint` asks for a checkpoint
    just before the step starts. `makes` names paths, from the step's own folder, that are there once it is
    done: before that, validation does not ask for them.
    """

    id: str
    name: str
    description: str = ""
    call: Call
    depends_on: tuple[str, ...] = ()
    condition: str | None = None
    env: dict[str, str | Template] = field(default_factory=dict)
    required_env: tuple[str, ...] = ()
    cwd: str | None = None
    makes: tuple[str, ...] = ()
    timeout_seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    retry: Retry = ONCE
    idempotent: bool = False
    read_only: bool = False
    check: Call | None = None
    dry_run: Call | None = None
    rollback: Rollback | None = None
    on_failure: Literal["stop", "continue", "skip_dependents"] = "stop"
    checkpoint: bool = False

    @property
    def irreversible(self) -> bool:
        """Whether it may change something that nothing changes back."""
        return self.rollback is None and not self.read_only


@slotted
class ErrorHandling(Slotted):
    """The plan's answers to S0's error table; `several` is how many distinct failed steps are "multiple"."""

    single_failure: Response = "pause"
    several: Annotated[int, Field(ge=2)] = 2
    multiple_failures: Response = "rollback"
    rollback_failure: Literal["alert"] = "alert"


class Outline(NamedTuple):
    """Which steps a plan's document holds, and where.

    `ids` are in execution order, `after` are the places in it of the steps that each depends on. `starts` are
    the bytes at which they begin in the document, and one more: where another would.
    """

    ids: Sequence[str]
    after: Sequence[Sequence[int]]
    starts: Sequence[int]


class Source(NamedTuple):
    """The file that a plan was read from, as its user named it, and the text in it."""

    path: str
    text: str


class Plan(Value, kw_only=True):
    """A whole plan, resolved. `steps` stand in execution order: topological, ties as declared.

    `parallel` is how many steps may run at once; 1 is sequential. `checkpoint_interval` is after how many
    events a checkpoint is stored; `None` leaves that to fsm. `env` is every step's environment, which a
    step's own `env` overrides; its templates name no steps. `required_env` names the variables that whoever
    runs it must have set, here and in each step. `skills` is what the plan uses of each skill but `shell`, as
    `SkillSpec.stored` gives it. `digest` names exactly this value.
    """

    format: Literal[1] = 1
    id: str
    name: str
    description: str = ""
    params: dict[str, JsonValue] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    env: dict[str, str | Template] = field(default_factory=dict)
    required_env: tuple[str, ...] = ()
    parallel: Annotated[int, Field(ge=1, le=1000)] = 1
    checkpoint_interval: Annotated[int, Field(ge=1)] | None = None
    error_handling: ErrorHandling = ErrorHandling()
    skills: dict[str, JsonValue] = field(default_factory=dict)
    steps: Annotated[tuple[Step, ...], Field(min_length=1)]

    @classmethod
    def from_document(cls, document: bytes, outline: Outline | None = None) -> Plan:
        """The plan of which this is the `document`. Raises `ValueError` if it is none.

        What was approved is what is stored: the document, and so the digest, are these very bytes. With its
        `outline` each step is read when somebody first asks for it, and what is wrong with one is found then.
        """
        from fsm.plan.stored import read_plan, sketch

        plan = sketch(document, outline) if outline else read_plan(document)
        vars(plan)["document"] = document
        if outline:
            vars(plan)["outline"] = outline
        return plan

    @property
    def folder(self) -> Path | None:
        """Where its file lies, absolute, if that is known; it says nothing of what the plan is."""
        return vars(self).get("_folder")

    def found_in(self, folder: Path) -> Plan:
        """The plan itself, which knows from now on where its file lies."""
        vars(self)["_folder"] = folder
        return self

    @property
    def source(self) -> Source | None:
        """What it was read from, if that was in this process; it says nothing of what the plan is."""
        return vars(self).get("_source")

    def read_from(self, source: Source) -> Plan:
        """The plan itself, which knows from now on what it was read from."""
        vars(self)["_source"] = source
        return self

    @cached_property
    def document(self) -> bytes:
        """The canonical JSON of the plan: what is stored with a run, and what the digest covers.

        Keys are sorted, nothing is spaced. Values equal to their default are left out: `format` names the
        version whose defaults hold.
        """
        head = {"format": self.format} | _without_defaults(self)
        del head["steps"]
        # Step by step, so that a large plan is never there a second time as dictionaries.
        steps = ",".join(_canonical(_without_defaults(step)) for step in self.steps)
        return f'{_canonical(head)[:-1]},"steps":[{steps}]}}'.encode()

    @cached_property
    def digest(self) -> str:
        """64 hex digits: SHA-256 of `document`."""
        return hashlib.sha256(self.document).hexdigest()

    @cached_property
    def outline(self) -> Outline:
        """What saves reading all steps of the document to read one of them."""
        from fsm.plan.stored import find_steps

        positions = self.positions
        after = [[positions[name] for name in step.depends_on] for step in self.steps]
        return Outline([*positions], after, find_steps(self.document))

    @cached_property
    def positions(self) -> dict[str, int]:
        """Each step's place in `steps`, from 0, by its id."""
        return {step.id: index for index, step in enumerate(self.steps)}

    def steps_with(self, key: str) -> Sequence[Step]:
        """At least the steps whose `key` is not its default; to tell that there are none, none is read."""
        return self.steps if f'"{key}":'.encode() in self.document else ()

    def step(self, step_id: str) -> Step:
        """The step of that id. Raises `KeyError` if there is none."""
        return self.steps[self.positions[step_id]]


_DEFAULTS: Mapping[type, Sequence[tuple[str, object]]] = {
    part: tuple(
        (f.name, f.default if f.default_factory is MISSING else f.default_factory())
        for f in fields(part)
    )
    for part in (Retry, Call, Rollback, Step, ErrorHandling, Plan)
}


@cache
def shape_of_steps() -> str:
    """What steps may hold, and of which types, as 16 hex digits: another version that says the same can read
    every step that this one can."""
    parts = (Step, Call, Retry, Rollback)
    shape = [(part.__name__, f.name, f.type) for part in parts for f in fields(part)]
    return hashlib.sha256(repr(shape).encode()).hexdigest()[:16]


def _without_defaults(part: object) -> dict[str, object]:
    return {
        name: _without_defaults(value) if type(value) in _DEFAULTS else value
        for name, default in _DEFAULTS[type(part)]
        if (value := getattr(part, name)) != default
    }
