"""Frozen values of named fields: what events and commands are, what a plan is made of, and much that ports
hand over.

A frozen dataclass writes and compiles six methods for each class: a third of a millisecond of every start,
and there are more than forty of them. Here the six are written once, for all, and `dataclasses` only gathers
the fields, so that `fields`, `replace` and `match` work as with any dataclass.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, FrozenInstanceError, dataclass, field, fields
from functools import partial
from operator import attrgetter
from typing import Any, ClassVar, NoReturn, TypeVar, dataclass_transform

__all__ = ["Slotted", "Value", "slotted"]

_Kind = TypeVar("_Kind", bound="Slotted")
_Set = Callable[[object, object], None]


class _Frozen:
    """Shown with the fields that are compared; nothing of it can be changed."""

    __slots__ = ()
    _compared: ClassVar[Sequence[str]]

    def __repr__(self) -> str:
        shown = (f"{name}={getattr(self, name)!r}" for name in self._compared)
        return f"{type(self).__name__}({', '.join(shown)})"

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise FrozenInstanceError(f"cannot assign to field {name!r}")

    def __delattr__(self, name: str) -> NoReturn:
        raise FrozenInstanceError(f"cannot delete field {name!r}")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
class Value(_Frozen):
    """Equal to a value of its own class, and of no other, whose fields are equal; it cannot be changed.

    A field of `compare=False` is neither compared nor shown.
    """

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]
    __match_args__: ClassVar[tuple[str, ...]]
    _defaults: ClassVar[Mapping[str, object]]
    _factories: ClassVar[Mapping[str, Callable[[], object]]]

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

    def _key(self) -> tuple[object, ...]:
        return (type(self), *(getattr(self, name) for name in self._compared))


class Slotted(_Frozen):
    """What values of the `slotted` classes can do: what those of a frozen dataclass with slots can.

    A field of `compare=False` is neither compared nor shown.
    """

    __slots__ = ()
    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]
    _filled: ClassVar[Sequence[tuple[str, _Set, object, Callable[[], object] | None]]]
    _key: ClassVar[attrgetter[tuple[object, ...]]]

    def __init__(self, **named: object) -> None:
        for name, put, default, make in self._filled:
            if name in named:
                put(self, named.pop(name))
            elif make is None:
                put(self, default)
            else:
                put(self, make())
        if named:
            raise TypeError(f"{type(self).__name__} has no {', '.join(map(repr, named))}")

    def __eq__(self, other: object) -> bool:
        if other.__class__ is not self.__class__:
            return NotImplemented
        return self._key(self) == self._key(other)

    def __hash__(self) -> int:
        return hash(self._key(self))

    def __getstate__(self) -> object:
        return [getattr(self, name) for name in self.__dataclass_fields__]

    def __setstate__(self, values: Sequence[object]) -> None:
        for (_, put, _, _), value in zip(self._filled, values, strict=True):
            put(self, value)


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
def slotted(cls: type[_Kind]) -> type[_Kind]:
    """Make slots of the fields that the class declares, all given by name; two or more are compared."""
    made = dataclass(init=False, repr=False, eq=False, kw_only=True, slots=True)(cls)
    made._compared = [f.name for f in fields(made) if f.compare]
    made._key = attrgetter(*made._compared)
    made._filled = [
        (f.name, getattr(made, f.name).__set__, f.default, _maker(made, f)) for f in fields(made)
    ]
    return made


def _maker(cls: type, of: Field[Any]) -> Callable[[], object] | None:
    if of.default_factory is not MISSING:
        return of.default_factory
    return partial(_refuse, f"{cls.__name__} needs {of.name!r}") if of.default is MISSING else None


def _refuse(why: str) -> NoReturn:
    raise TypeError(why)
