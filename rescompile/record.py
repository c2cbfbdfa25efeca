"""Frozen dataclasses at two thirds of the price: each start of the compiler pays for a hundred.

`dataclass` generates and compiles the source of every method of every class. Only `__init__` and
what keeps a class frozen need that; comparison, hash and repr are closures over the fields here.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from typing_extensions import dataclass_transform
else:

    def dataclass_transform(**_):
        return lambda function: function


T = TypeVar("T")


@dataclass_transform(frozen_default=True)
def record(cls: type[T]) -> type[T]:
    """A class whose instances are frozen, slotted, and equal where type and fields are equal."""
    made: Any = dataclass(frozen=True, slots=True, eq=False, repr=False)(cls)
    names = [field.name for field in fields(made)]
    compared = [field.name for field in fields(made) if field.compare]
    values = attrgetter(*compared) if compared else lambda self: ()

    def __eq__(self: T, other: object) -> bool:
        if other.__class__ is not self.__class__:
            return NotImplemented
        return bool(values(self) == values(other))

    def __hash__(self: T) -> int:
        return hash(values(self))

    def __repr__(self: T) -> str:
        shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in names)
        return f"{type(self).__name__}({shown})"

    made.__eq__, made.__hash__, made.__repr__ = __eq__, __hash__, __repr__
    return made  # type: ignore[no-any-return]
