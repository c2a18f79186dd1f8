"""What an author may type into the file of a skill: its shapes, private to loading and to its JSON Schema.

As in plans, every key of two words is read in both spellings, `dry_run` and `dryRun`.
"""

from __future__ import annotations

from typing import Annotated, Required

from pydantic import Field, JsonValue, Tag
from typing_extensions import TypedDict

from fsm.plan.loading.adapter import KEYS, adapter
from fsm.plan.loading.values import Command, Env, EnvName, Id, ParamName, Text, Timeout, forms
from fsm.plan.skill import Kind, Risk

__all__ = [
    "ACTION",
    "HEAD",
    "Action",
    "Needs",
    "ParameterKeys",
    "SkillCall",
    "SkillFile",
    "SkillKeys",
    "Undo",
]


class ParameterKeys(TypedDict, total=False):
    """What an action is given under one name. It is required, unless it has a default."""

    __pydantic_config__ = KEYS  # type: ignore[misc]

    type: Annotated[
        Kind, Field(description="What a value must be; that of the default, else `any`.")
    ]
    required: Annotated[bool, Field(description="Whether a step must give it.")]
    default: Annotated[JsonValue, Field(description="The value of a step that gives none.")]
    choices: Annotated[
        list[JsonValue], Field(min_length=1, description="The only values that there are.")
    ]
    secret: Annotated[
        bool,
        Field(description="Whether its value is masked; it may stand in `env` only."),
    ]
    options: Annotated[
        bool,
        Field(
            description="Whether a value may be an option of the command; else one that begins with `-` "
            "is refused where it would be taken for one."
        ),
    ]
    description: Annotated[str, Field(description="What it is for.")]


Parameter = Annotated[
    Annotated[Kind, Tag("type")] | Annotated[ParameterKeys, Tag("mapping")],
    forms("must be a type such as `text`, or a mapping", type=str, mapping=dict),
]


class Needs(TypedDict, total=False):
    """What must be there before the action can work; `fsm validate` looks for it."""

    __pydantic_config__ = KEYS  # type: ignore[misc]

    commands: Annotated[list[Text], Field(description="Programs on PATH.")]
    env: Annotated[list[EnvName], Field(description="Environment variables that must be set.")]
    secrets: Annotated[
        list[EnvName], Field(description="The same, whose values are masked wherever they show.")
    ]
    files: Annotated[list[Text], Field(description="Files and folders, from where a step works.")]
    hosts: Annotated[list[Text], Field(description="Hosts of the network that it speaks with.")]
    permissions: Annotated[list[Text], Field(description="What it must be allowed to, in words.")]


class Undo(TypedDict, total=False):
    """The action of this skill that undoes another one, and what it is given."""

    __pydantic_config__ = KEYS  # type: ignore[misc]

    action: Required[Annotated[Text, Field(description="The action that undoes it.")]]
    params: Annotated[
        dict[ParamName, JsonValue],
        Field(
            description="What it is given; `{{ params.X }}` is what the step was given, `{{ outputs.X }}` "
            "what came of it. By default all that both actions know by the same name."
        ),
    ]


UndoForm = Annotated[
    Annotated[Text, Tag("text")] | Annotated[Undo, Tag("mapping")],
    forms("must be the name of an action, or a mapping with `action`", text=str, mapping=dict),
]


class SkillCall(TypedDict, total=False):
    """An action of another skill."""

    __pydantic_config__ = KEYS  # type: ignore[misc]

    skill: Required[Annotated[Text, Field(description="The skill that `action` belongs to.")]]
    action: Required[Annotated[Text, Field(description="What it is to do.")]]
    params: Annotated[
        dict[str, JsonValue],
        Field(description="What it is given; templates such as `{{ params.x }}` may be in it."),
    ]


class Action(TypedDict, total=False):
    """One thing that the skill can do: what it runs, takes and needs, and its way back."""

    __pydantic_config__ = KEYS  # type: ignore[misc]

    description: Annotated[str, Field(description="What it does.")]
    params: Annotated[dict[ParamName, Parameter], Field(description="What it is given, by name.")]
    outputs: Annotated[
        list[ParamName], Field(description="What it writes to the file that FSM_OUTPUT names.")
    ]
    needs: Annotated[Needs, Field(description="What must be there before it can work.")]
    risk: Annotated[
        Risk,
        Field(
            description="`read`: it changes nothing. `write` (default): it changes something. "
            "`irreversible`: and nothing changes it back."
        ),
    ]
    idempotent: Annotated[bool, Field(description="Whether doing it twice is as good as once.")]
    run: Annotated[
        Command,
        Field(
            description="What it runs. A list runs without a shell, and templates such as "
            "`{{ params.x }}` may be in it: one that is a list stands for all its items, one that is "
            "null for none. Text runs in `sh`, which finds parameters in its environment only (`env`)."
        ),
    ]
    call: Annotated[
        SkillCall,
        Field(
            description="In place of `run`: an action of another skill, which also checks and tries it "
            "unless `check` and `dry_run` do."
        ),
    ]
    env: Annotated[
        Env,
        Field(
            description="Environment variables of its commands; one without a value must be set, and one "
            "whose template is null is not set."
        ),
    ]
    cwd: Annotated[Text, Field(description="The folder to work in, from where the step works.")]
    timeout: Annotated[
        Timeout, Field(description="When an attempt is ended, if the step says nothing else.")
    ]
    check: Annotated[Command, Field(description="Exits 0 if the effect is there, 1 if it is not.")]
    dry_run: Annotated[Command, Field(description="Tries it without any effect.")]
    undo: Annotated[UndoForm, Field(description="The action that undoes it.")]


class Head(TypedDict, total=False):
    """A skill without its actions."""

    __pydantic_config__ = KEYS  # type: ignore[misc]

    name: Required[
        Annotated[Id, Field(description="What plans call it; its file has the same name.")]
    ]
    description: Annotated[str, Field(description="What it is for.")]


class SkillKeys(Head, total=False):
    """A skill: a named set of actions."""

    __pydantic_config__ = KEYS  # type: ignore[misc]

    actions: Required[
        Annotated[dict[Id, Action], Field(min_length=1, description="What it can do, by name.")]
    ]


class SkillFile(TypedDict):
    """A skill of fsm: actions that plans can use as steps."""

    __pydantic_config__ = KEYS  # type: ignore[misc]

    skill: SkillKeys


HEAD = adapter(Head)
ACTION = adapter(Action)
