"""Building validators: of the shapes in this package, whatever else is installed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pydantic import TypeAdapter

__all__ = ["adapter"]

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
