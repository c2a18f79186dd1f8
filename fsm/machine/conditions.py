"""The registry of the functions that a table's conditions name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Generic, Protocol, TypeVar

from fsm.document import suggest
from fsm.errors import FsmError

__all__ = ["Condition", "Conditions", "Stateful"]


class Stateful(Protocol):
    """A record: any object whose `state` can be set. It is never registered anywhere."""

    state: str


R = TypeVar("R", bound=Stateful)

Condition = Callable[[R], bool]
"""A pure question about a record: it may be asked twice for one trigger."""


class Conditions(Mapping[str, Condition[R]], Generic[R]):
    """Conditions by name. `@conditions.add` registers a function under its own name."""

    def __init__(self) -> None:
        self._by_name: dict[str, Condition[R]] = {}

    def add(self, condition: Condition[R], name: str = "") -> Condition[R]:
        """Register `condition` and return it. Raises FsmError if the name is taken."""
        name = name or getattr(condition, "__name__", repr(condition))
        if name in self._by_name:
            raise FsmError(f"the condition `{name}` is registered twice", "rename one of the two")
        self._by_name[name] = condition
        return condition

    def __getitem__(self, name: str) -> Condition[R]:
        try:
            return self._by_name[name]
        except KeyError:
            hint = suggest(name, self._by_name) or f"known: {', '.join(self._by_name) or 'none'}"
            raise KeyError(f"no condition `{name}`; {hint}") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def __len__(self) -> int:
        return len(self._by_name)
