"""`record` gives what `dataclass(frozen=True, slots=True)` does."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, dataclass, field, replace
from typing import Any

import pytest

from rescompile.record import record


def define(decorator: Any) -> Any:
    @decorator
    class Point:
        """A point."""

        x: int
        y: int = 2
        at: str = field(default="", compare=False)
        seen: list[int] = field(default_factory=list, compare=False, kw_only=True)

    return Point


Ours = define(record)
Theirs = define(dataclass(frozen=True, slots=True))


def test_it_compares_hashes_and_shows_as_a_dataclass_does() -> None:
    for kind in (Ours, Theirs):
        assert kind(1) == kind(1, 2, "elsewhere")
        assert hash(kind(1)) == hash(kind(1, 2, "elsewhere"))
        assert kind(1) != kind(2)
    assert repr(Ours(1)) == repr(Theirs(1)).replace("define.<locals>.", "")
    assert Ours(1) != Theirs(1)


def test_it_is_frozen_slotted_and_replaceable() -> None:
    point = Ours(1)
    with pytest.raises(FrozenInstanceError):
        point.x = 2
    with pytest.raises(FrozenInstanceError):
        del point.x
    assert not hasattr(point, "__dict__")
    assert replace(point, y=5) == Ours(1, 5)


def test_it_takes_arguments_as_a_dataclass_does() -> None:
    for kind in (Ours, Theirs):
        assert kind(1, at="here", seen=[3]).seen == [3]
        assert kind(1).seen is not kind(1).seen
        with pytest.raises(TypeError):
            kind()
        with pytest.raises(TypeError):
            kind(1, 2, "here", [3])


def test_a_class_may_say_itself_how_it_is_shown() -> None:
    @record
    class Short:
        x: int

        def __repr__(self) -> str:
            return f"<{self.x}>"

    assert repr(Short(3)) == "<3>"
