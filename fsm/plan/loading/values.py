"""The single values that an author may type: texts, names, durations, commands, and how they are told apart.

Words of an error raised here begin after the key's name ("must be …"); `wording` puts the rest around
them. The patterns are pydantic's, whose `$` is the very end: `a\\n` is no id.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Discriminator, Field, PlainValidator, Tag, WithJsonSchema
from pydantic_core import PydanticCustomError

from fsm.plan import duration

__all__ = [
    "ENV_NAME",
    "ID",
    "NOT_BLANK",
    "PARAM_NAME",
    "Answer",
    "Attempts",
    "Command",
    "CommandForms",
    "Condition",
    "Dependencies",
    "Duration",
    "Env",
    "EnvName",
    "Id",
    "ParamName",
    "Paths",
    "Text",
    "Timeout",
    "forms",
]

ID = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"
ENV_NAME = r"^[A-Za-z_][A-Za-z0-9_]*$"
PARAM_NAME = r"^[A-Za-z_][A-Za-z0-9_.-]*$"
NOT_BLANK = r"\S"

_SAID = "said"
"""The type of an error whose message is already in words for people."""


def _said(words: str) -> PydanticCustomError:
    return PydanticCustomError(_SAID, words)


def forms(words: str, **types: type) -> Discriminator:
    """Tells the forms of one key apart by the type of its value; `words` for any other type."""

    def form(value: object) -> str | None:
        for name, kind in types.items():
            if isinstance(value, kind) and not isinstance(value, bool):
                return name
        return None

    return Discriminator(form, custom_error_type=_SAID, custom_error_message=words)


def _seconds(value: object) -> float:
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        try:
            return duration.parse_duration(value)
        except duration.OutOfRange:
            longest = duration.format_duration(duration.LONGEST_SECONDS)
            raise _said(f"must be between 0s and {longest}") from None
        except ValueError:
            pass
    raise _said("must be a duration such as `10m`")


def _some_seconds(value: object) -> float:
    seconds = _seconds(value)
    if not seconds:
        raise _said("must be more than 0")
    return seconds


def _scalar(value: object) -> str | int | float:
    if not isinstance(value, str | int | float):
        raise _said("must be text, a number, `true` or `false`")
    return value


def _condition(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str) or not value.strip():
        raise _said("must be an expression such as `params.deploy`")
    return value


_DURATION_SCHEMA = WithJsonSchema(
    {
        "oneOf": [
            {"type": "string", "pattern": duration.PATTERN},
            {"type": "number", "minimum": 0, "maximum": duration.LONGEST_SECONDS},
        ]
    }
)
_SCALAR_SCHEMA = WithJsonSchema({"type": ["string", "number", "boolean"]})
_COMMAND_WORDS = "must be a command: text for a shell, or a list of arguments without one"

Id = Annotated[str, Field(pattern=ID)]
Text = Annotated[str, Field(pattern=NOT_BLANK)]
EnvName = Annotated[str, Field(pattern=ENV_NAME)]
ParamName = Annotated[str, Field(pattern=PARAM_NAME)]
Duration = Annotated[float, PlainValidator(_seconds), _DURATION_SCHEMA]
Timeout = Annotated[float, PlainValidator(_some_seconds), _DURATION_SCHEMA]
Scalar = Annotated[str | int | float, PlainValidator(_scalar), _SCALAR_SCHEMA]
Env = dict[EnvName, Scalar | None]
Arguments = Annotated[list[Scalar], Field(min_length=1)]
CommandForms = Annotated[Text, Tag("text")] | Annotated[Arguments, Tag("arguments")]
Command = Annotated[
    CommandForms,
    forms(_COMMAND_WORDS, text=str, arguments=list),
]
Condition = Annotated[
    str, BeforeValidator(_condition), WithJsonSchema({"type": ["string", "boolean"]})
]
Dependencies = Annotated[
    Annotated[str, Tag("one")] | Annotated[list[str], Tag("several")],
    forms("must be the id of a step, or a list of ids", one=str, several=list),
]
Paths = Annotated[
    Annotated[Text, Tag("one")] | Annotated[list[Text], Tag("several")],
    forms("must be a path, or a list of paths", one=str, several=list),
]
Attempts = Annotated[int, Field(ge=1, le=1000)]
Answer = Literal["pause", "rollback", "abort", "continue"]
