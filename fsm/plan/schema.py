"""The JSON Schemas of plan and skill files, for editors: completion, descriptions, errors while one types.

They are made from the very models that loading checks with. What needs the whole file (ids, dependencies,
templates) is loading's alone: what a schema refuses, loading refuses; not the other way round.
"""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter
from pydantic.alias_generators import to_camel
from pydantic.json_schema import GenerateJsonSchema

from fsm.plan.loading.authored import PlanFile
from fsm.plan.loading.authored_skill import SkillFile

__all__ = ["json_schema", "skill_schema"]

_COMMAND: dict[str, Any] = {
    "required": ["run"],
    "properties": {"skill": False, "action": False, "params": False},
}


class _Untitled(GenerateJsonSchema):
    """Without a title on every key, which would only say the key again."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002  pydantic asks
        return False


def json_schema() -> dict[str, Any]:
    """The schema of a plan, in draft 2020-12. Both spellings of every key of two words are in it."""
    schema = _schema(PlanFile, "A plan of fsm")
    shapes = schema["$defs"]
    _together(shapes["Step"], {"required": ["skill", "action"]})
    for name in ("Call", "Rollback"):
        _together(shapes[name], {"required": ["action"]})
    return schema


def skill_schema() -> dict[str, Any]:
    """The schema of a skill's file, likewise."""
    schema = _schema(SkillFile, "A skill of fsm")
    schema["$defs"]["Action"]["oneOf"] = [{"required": ["run"]}, {"required": ["call"]}]
    return schema


def _schema(shape: Any, title: str) -> dict[str, Any]:
    schema = TypeAdapter(shape).json_schema(by_alias=False, schema_generator=_Untitled)
    for part in filter(lambda s: "properties" in s, schema["$defs"].values()):
        _spell_twice(part)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        **{key: value for key, value in schema.items() if key != "title"},
    }


def _spell_twice(shape: dict[str, Any]) -> None:
    """Add `dependsOn` beside `depends_on`, and refuse the two together."""
    properties = shape["properties"]
    both = []
    for key in [key for key in properties if to_camel(key) != key]:
        twin = to_camel(key)
        properties[twin] = properties[key] | {"description": f"The same as `{key}`."}
        both.append({"not": {"required": [key, twin]}})
    if both:
        shape["allOf"] = both


def _together(shape: dict[str, Any], action: dict[str, Any]) -> None:
    """Either a command or an action."""
    shape["oneOf"] = [_COMMAND, {**action, "properties": {"run": False}}]
