"""How the shapes in this package are read: by the same rules, whatever else is installed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from pydantic import ConfigDict, TypeAdapter
from pydantic.alias_generators import to_camel

__all__ = ["KEYS", "adapter"]

KEYS: Final = ConfigDict(
    extra="forbid",
    strict=True,
    alias_generator=to_camel,
    validate_by_name=True,
    validate_by_alias=True,
)
"""No other keys than a shape's own, each in both spellings, `depends_on` and `dependsOn`."""

_SWITCH = "PYDANTIC_DISABLE_PLUGINS"


def adapter(shape: Any) -> TypeAdapter[Any]:
    """A validator of that shape, which no plugin of pydantic has a say in: a plan means the same everywhere.

    To look for plugins would also read the metadata of every package that is installed.
    """
    with _no_plugins():
        return TypeAdapter(shape)


@contextmanager
def _no_plugins() -> Iterator[None]:
    before = os.environ.get(_SWITCH)
    os.environ[_SWITCH] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_SWITCH]
        else:
            os.environ[_SWITCH] = before
