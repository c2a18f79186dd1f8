"""Frozen values of named fields: what events and commands are.

A frozen, slotted dataclass writes and compiles six methods for each class, a third of a millisecond of every
start; there are thirty of them. Here the six are written once, for all, and `dataclasses` only gathers the
fields: so `fields` and `replace` work as with any dataclass.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import MISSING, Field, FrozenInstanceError, dataclass
from typing import Any, ClassVar, NoReturn, dataclass_transform

__all__ = ["Value"]


@dataclass_transform(frozen_default=True)
class Value:
    """Equal to a value of its own class, and of no other, whose fields are equal; it cannot be changed."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]
    __match_args__: ClassVar[tuple[str, ...]]
    _required: ClassVar[frozenset[str]]

    def __init_subclass__(cls) -> None:
        dataclass(init=False, repr=False, eq=False)(cls)
        cls._required = frozenset(
            name for name, field in cls.__dataclass_fields__.items() if field.default is MISSING
        )

    def __init__(self, *values: object, **named: object) -> None:
        given, names = self.__dict__, self.__match_args__
        given.update(zip(names, values, strict=False), **named)
        # A field that is not given is read from the class, where its default stands.
        if len(given) < len(names) or named or len(values) > len(names):
            self._refuse_others(len(values), named.keys())

    def _refuse_others(self, positional: int, named: Set[str]) -> None:
        names = self.__match_args__
        if (
            positional > len(names)
            or not named.isdisjoint(names[:positional])
            or not named <= self.__dataclass_fields__.keys()
            or not self._required <= self.__dict__.keys()
        ):
            raise TypeError(f"{type(self).__name__} takes ({', '.join(names)})")

    def __eq__(self, other: object) -> bool:
        return self._key() == other._key() if isinstance(other, Value) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._key())

    def __repr__(self) -> str:
        shown = (f"{name}={getattr(self, name)!r}" for name in self.__match_args__)
        return f"{type(self).__name__}({', '.join(shown)})"

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise FrozenInstanceError(f"cannot assign to field {name!r}")

    def __delattr__(self, name: str) -> NoReturn:
        raise FrozenInstanceError(f"cannot delete field {name!r}")

    def _key(self) -> tuple[object, ...]:
        return (type(self), *(getattr(self, name) for name in self.__match_args__))
