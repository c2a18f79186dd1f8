"""A second reader of stored plans: pydantic, by the annotations of the model."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pydantic import ConfigDict, Field, JsonValue, TypeAdapter, with_config
from typing_extensions import TypedDict

from fsm.plan import model
from fsm.plan.model import Call, ErrorHandling, Plan, Retry, Rollback, Step

Template = with_config(ConfigDict(extra="forbid"))(TypedDict("Template", {"$template": str}))


@pytest.fixture(scope="session")
def pydantic_plan() -> Iterator[TypeAdapter[Plan]]:
    """What the annotations of the model mean to pydantic; at run time nothing asks them."""
    with pytest.MonkeyPatch.context() as patch:
        for name, meaning in {"Field": Field, "JsonValue": JsonValue, "Template": Template}.items():
            patch.setattr(model, name, meaning, raising=False)
        for part in (Call, ErrorHandling, Plan, Retry, Rollback, Step):
            config = ConfigDict(extra="forbid", strict=True)
            patch.setattr(part, "__pydantic_config__", config, raising=False)
        yield TypeAdapter(Plan)
