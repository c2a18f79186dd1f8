"""Frozen values of named fields: what events and commands are, and much that ports hand over.

A frozen dataclass writes and compiles six methods for each class: a third of a millisecond of every start,
and there are more than forty of them. Here the six are written once, for all, and `dataclasses` only gathers
the fields, so that `fields`, `replace` and `match` work as with any dataclass.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, FrozenInstanceError, dataclass, field
from typing import Any, ClassVar, NoReturn, dataclass_transform

__all__ = ["Value"]


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
class Value:
    """Equal to a value of its own class, and of no other, whose fields are equal; it cannot be changed.

    A field of `compare=False` is neither compared nor shown.
    """

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]
    __match_args__: ClassVar[tuple[str, ...]]
    _defaults: ClassVar[Mapping[str, object]]
    _factories: ClassVar[Mapping[str, Callable[[], object]]]
    _compared: ClassVar[Sequence[str]]

    def __init_subclass__(cls, *, kw_only: bool = False) -> None:
        dataclass(init=False, repr=False, eq=False, kw_only=kw_only)(cls)
        own = cls.__dataclass_fields__.values()
        cls._compared = tuple(f.name for f in own if f.compare)
        cls._defaults = {f.name: f.default for f in own if f.default is not MISSING}
        cls._factories = {
            f.name: f.default_factory for f in own if f.default_factory is not MISSING
        }

    def __init__(self, *values: object, **named: object) -> None:
        names, fields, mine = self.__match_args__, self.__dataclass_fields__, self.__dict__
        mine.update(self._defaults)
        mine.update(named)
        is_wrong = False
        if values:
            is_wrong = len(values) > len(names) or not named.keys().isdisjoint(names[: len(values)])
            mine.update(zip(names, values, strict=False))
        if self._factories:
            for name, make in self._factories.items():
                if name not in mine:
                    mine[name] = make()
        if is_wrong or mine.keys() != fields.keys():
            raise TypeError(f"{type(self).__name__} takes ({', '.join(fields)})")

    def __eq__(self, other: object) -> bool:
        return self._key() == other._key() if isinstance(other, Value) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._key())

    def __repr__(self) -> str:
        shown = (f"{name}={getattr(self, name)!r}" for name in self._compared)
        return f"{type(self).__name__}({', '.join(shown)})"

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise FrozenInstanceError(f"cannot assign to field {name!r}")

    def __delattr__(self, name: str) -> NoReturn:
        raise FrozenInstanceError(f"cannot delete field {name!r}")

    def _key(self) -> tuple[object, ...]:
        return (type(self), *(getattr(self, name) for name in self._compared))
