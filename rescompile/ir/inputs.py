"""The values of a network's inputs, as callers hand them on: one by itself, several as a tuple."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def each_input(given: Any) -> tuple[Any, ...]:
    """One value for each input."""
    return given if isinstance(given, tuple) else (given,)


def as_given(values: Iterable[Any], given: Any) -> Any:
    """A value for each input in the form of `given`: by itself, or a tuple."""
    made = tuple(values)
    return made if isinstance(given, tuple) else made[0]
