"""Frozen dataclasses at a third of the price: each start of the compiler pays for a hundred.

`dataclass` generates and compiles the source of every method of every class. Only `__init__` needs
that; comparison, hash, repr and what keeps a class frozen are functions over the fields here.
"""

from __future__ import annotations

from dataclasses import MISSING, Field, FrozenInstanceError, dataclass, fields
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

if TYPE_CHECKING:
    from typing_extensions import dataclass_transform
else:

    def dataclass_transform(**_):
        return lambda function: function


T = TypeVar("T")


@dataclass_transform(frozen_default=True)
def record(cls: type[T]) -> type[T]:
    """A class whose instances are frozen, slotted, and equal where type and fields are equal.

    They show all their fields, unless the class says how it is shown.
    """
    made: Any = dataclass(slots=True, init=False, eq=False, repr=False)(cls)
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

    made.__eq__, made.__hash__ = __eq__, __hash__
    if "__repr__" not in cls.__dict__:
        made.__repr__ = __repr__
    made.__init__ = _initialiser(fields(made), hasattr(cls, "__post_init__"))
    made.__setattr__, made.__delattr__ = _refuse, _refuse
    return made  # type: ignore[no-any-return]


def _initialiser(given: tuple[Field[Any], ...], finishes: bool) -> Any:
    """The `__init__` that sets these fields, on instances that refuse to be set otherwise.

    It calls `__post_init__` where a class `finishes` its instances.
    """
    space: dict[str, Any] = {"put": object.__setattr__, "absent": MISSING}
    takes, named, sets = ["self"], ["*"], []
    for field in given:
        name, default = field.name, ""
        value = name
        if field.default_factory is not MISSING:
            space[f"make_{name}"], default = field.default_factory, "=absent"
            value = f"make_{name}() if {name} is absent else {name}"
        elif field.default is not MISSING:
            space[f"default_{name}"], default = field.default, f"=default_{name}"
        (named if field.kw_only else takes).append(name + default)
        sets.append(f"put(self, {name!r}, {value})")
    if finishes:
        sets.append("self.__post_init__()")
    head = ", ".join([*takes, *(named if len(named) > 1 else ())])
    exec(f"def __init__({head}): {'; '.join(sets) or 'pass'}", space)
    return space["__init__"]


def _refuse(self: object, name: str, *value: object) -> NoReturn:
    raise FrozenInstanceError(f"cannot change field {name!r}")
