"""What an author may type: the shapes of a plan file, private to loading and to its JSON Schema.

Every key of two words is read in both spellings, `depends_on` and `dependsOn`. Keys that
only make sense together, such as `skill` and `action`, are the business of `fsm.plan.loading.forms`.
"""

from __future__ import annotations

from typing import Annotated, Literal, Required

from pydantic import Field, JsonValue, Tag
from typing_extensions import TypedDict

from fsm.plan.loading.adapter import KEYS, adapter
from fsm.plan.loading.values import (
    Answer,
    Attempts,
    Command,
    CommandForms,
    Condition,
    Dependencies,
    Duration,
    Env,
    EnvName,
    Id,
    ParamName,
    Paths,
    Text,
    Timeout,
    forms,
)

__all__ = [
    "HEAD",
    "STEP",
    "Call",
    "ErrorHandling",
    "Head",
    "MultipleFailures",
    "PlanFile",
    "PlanKeys",
    "Retry",
    "Rollback",
    "Step",
]

_CALL_WORDS = "must be a command, or a mapping with `run` or `action`"


class Retry(TypedDict, total=False):
    """How often an attempt is made, and how long the next one waits."""

    __pydantic_config__ = KEYS  # type: ignore[misc]

    attempts: Required[
        Annotated[Attempts, Field(description="Attempts in all, the first included.")]
    ]
    delay: Annotated[Duration, Field(description="The wait after the first failed attempt; 1s.")]
    factor: Annotated[
        float, Field(ge=1, allow_inf_nan=False, description="What each wait is multiplied by; 2.")
    ]
    max_delay: Annotated[
        Duration, Field(description="No wait is longer; 5m, or `delay` if longer.")
    ]
    jitter: Annotated[
        float,
        Field(ge=0, le=1, description="How far waits are spread: 0.1 is ±10 %; 0 by default."),
    ]


class _CallKeys(TypedDict, total=False):
    run: Annotated[
        Command,
        Field(
            description="A command. Text runs in a shell; a list is an argument vector and runs without "
            "one. Templates belong into a list or into `env`."
        ),
    ]
    skill: Annotated[Text, Field(description="The set of actions that `action` belongs to.")]
    action: Annotated[Text, Field(description="What to do, one of the skill's actions.")]
    params: Annotated[dict[str, JsonValue], Field(description="What the action is given.")]


class Call(_CallKeys, total=False):
    """A command, or an action; `skill` and `params` are the step's own if they are left out."""

    __pydantic_config__ = KEYS  # type: ignore[misc]


class Rollback(_CallKeys, total=False):
    """How to undo a step; `skill` and `params` are the step's own if they are left out."""

    __pydantic_config__ = KEYS  # type: ignore[misc]

    retry: Annotated[RetryForm, Field(description="How often undoing is tried; once by default.")]
    timeout: Annotated[
        Timeout, Field(description="When an attempt of undoing is ended, as a step's is.")
    ]
    on: Annotated[
        Literal["completed", "started"],
        Field(
            description="`completed` (default): undo the step if it completed. `started`: also if it "
            "failed half-way."
        ),
    ]


RetryForm = Annotated[
    Annotated[Attempts, Tag("attempts")] | Annotated[Retry, Tag("mapping")],
    forms("must be a number of attempts, or a mapping with `attempts`", attempts=int, mapping=dict),
]
CallForm = Annotated[
    CommandForms | Annotated[Call, Tag("mapping")],
    forms(_CALL_WORDS, text=str, arguments=list, mapping=dict),
]
RollbackForm = Annotated[
    CommandForms | Annotated[Rollback, Tag("mapping")],
    forms(_CALL_WORDS, text=str, arguments=list, mapping=dict),
]

# `if` is no name that a class could give to a key.
_Condition = TypedDict(
    "_Condition",
    {
        "if": Annotated[
            Condition,
            Field(
                description="A Jinja2 expression without braces; the step is skipped if it is false. "
                "It may use `params`, `run.id` and the steps that this one waits for."
            ),
        ]
    },
    total=False,
)


class Step(_CallKeys, _Condition, total=False):
    """One action with its dependencies, retry, timeout, condition and rollback."""

    __pydantic_config__ = KEYS  # type: ignore[misc]

    id: Required[Annotated[Id, Field(description="The step's name in commands and templates.")]]
    name: Annotated[Text, Field(description="The step's name for people; its id by default.")]
    description: Annotated[str, Field(description="Why the step is there.")]
    depends_on: Annotated[
        Dependencies, Field(description="The steps that must be concluded before this one starts.")
    ]
    env: Annotated[
        Env,
        Field(
            description="Environment variables; they override the plan's. One without a value must be set."
        ),
    ]
    cwd: Annotated[Text, Field(description="The folder to work in; the plan's own by default.")]
    makes: Annotated[
        Paths,
        Field(
            description="Folders and files that are there once it is done, seen from its `cwd`: later steps "
            "may work in them, or run what they hold."
        ),
    ]
    timeout: Annotated[
        Timeout,
        Field(
            description="When an attempt is ended, such as `10m`: all its processes are asked to end "
            "(SIGTERM), and those that have not within 5s are killed."
        ),
    ]
    retry: Annotated[RetryForm, Field(description="How often the step is tried; once by default.")]
    idempotent: Annotated[
        bool, Field(description="Whether doing it twice is as good as once: then it may be re-run.")
    ]
    read_only: Annotated[
        bool,
        Field(
            description="Whether it changes nothing, such as a test or a query: then there is nothing to "
            "undo, and it may be re-run."
        ),
    ]
    check: Annotated[
        CallForm, Field(description="Exits 0 if the step's effect is there, 1 if it is not.")
    ]
    dry_run: Annotated[
        CallForm, Field(description="Tries the step without any effect, before the plan runs.")
    ]
    rollback: Annotated[RollbackForm, Field(description="How to undo the step.")]
    on_failure: Annotated[
        Literal["stop", "continue", "skip_dependents"],
        Field(
            description="`stop` (default): the plan's error handling decides. `continue`: go on with all "
            "other steps. `skip_dependents`: go on without those that depend on it; the run ends as failed."
        ),
    ]
    checkpoint: Annotated[
        bool, Field(description="Whether a checkpoint is stored just before the step starts.")
    ]


class MultipleFailures(TypedDict, total=False):
    """What happens when several steps have failed."""

    __pydantic_config__ = KEYS  # type: ignore[misc]

    after: Annotated[int, Field(ge=2, le=1000, description="How many failed steps are several; 2.")]
    then: Annotated[Answer, Field(description="The answer; `rollback` by default.")]


class ErrorHandling(TypedDict, total=False):
    """What happens when something breaks."""

    __pydantic_config__ = KEYS  # type: ignore[misc]

    single_failure: Annotated[Answer, Field(description="A step failed; `pause` by default.")]
    multiple_failures: Annotated[
        Annotated[Answer, Tag("answer")] | Annotated[MultipleFailures, Tag("mapping")],
        forms("must be an answer such as `rollback`, or a mapping", answer=str, mapping=dict),
        Field(description="Several steps failed; `rollback` after 2 by default."),
    ]
    rollback_failure: Annotated[
        Literal["alert"], Field(description="A rollback failed; a person is always called.")
    ]


class Head(TypedDict, total=False):
    """A plan without its steps."""

    __pydantic_config__ = KEYS  # type: ignore[misc]

    id: Required[Annotated[Id, Field(description="The plan's name in commands.")]]
    name: Annotated[Text, Field(description="The plan's name for people; its id by default.")]
    description: Annotated[str, Field(description="What the plan is for.")]
    params: Annotated[
        dict[ParamName, JsonValue],
        Field(description="Parameters and their values, which the command line may override."),
    ]
    secrets: Annotated[
        list[EnvName],
        Field(
            description="Names of environment variables whose values are masked wherever they show. The "
            "`params` of a skill may name them: `{{ secrets.NAME }}`."
        ),
    ]
    env: Annotated[
        Env,
        Field(description="Environment variables of every step. One without a value must be set."),
    ]
    skills: Annotated[
        list[Text],
        Field(
            description="Skills of the plan's own: `module:object`, or `FILE.py:object` or a YAML file "
            "beside the plan."
        ),
    ]
    allowed_skills: Annotated[
        list[Text],
        Field(description="The only skills that steps may use; `shell` is the one of commands."),
    ]
    parallel: Annotated[
        int, Field(ge=1, le=1000, description="How many steps may run at once; 1 by default.")
    ]
    checkpoint_interval: Annotated[
        int,
        Field(
            ge=1,
            description="After how many events a checkpoint is stored; fsm chooses by default.",
        ),
    ]
    error_handling: Annotated[
        ErrorHandling, Field(description="What happens when something breaks.")
    ]


class PlanKeys(Head, total=False):
    """A plan: steps that change the world, in an order, each with its way back."""

    __pydantic_config__ = KEYS  # type: ignore[misc]

    steps: Required[Annotated[list[Step], Field(min_length=1, description="What to do.")]]


class PlanFile(TypedDict):
    """A plan of fsm: declare it, see it, approve it, run it, roll it back."""

    __pydantic_config__ = KEYS  # type: ignore[misc]

    plan: PlanKeys


HEAD = adapter(Head)
STEP = adapter(Step)
