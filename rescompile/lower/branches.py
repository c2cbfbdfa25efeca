"""The branches of a join, each written out: those that are there, as often as they repeat."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..language.models import BranchSpec, Step
from ..reserved import child_name
from .scope import Scope
from .turns import turns

NAMED = "{name}{n}"  # what repeated branches of one name are called

Part = Step | list[Step]


def varies(given: Any) -> bool:
    """Whether it depends on something how many branches there are."""
    return any(isinstance(part, BranchSpec) for _, part in _parts(given))


def written_out(given: Any, scope: Scope) -> Iterator[tuple[str | None, Part, Scope]]:
    """Each branch with its name, if it has one, and the scope of its steps.

    Raises `SpecError` where it is not known which ones there are.
    """
    for name, part in _parts(given):
        if not isinstance(part, BranchSpec):
            yield name, part, scope
        elif part.repeat is None:
            if scope.settled(part.when, part, "when", bool):
                yield name, part.branch, scope
        else:
            pattern = None if name is None else (part.children or NAMED).replace("{name}", name)
            for i, inner in turns(part, scope):
                if inner.settled(part.when, part, "when", bool):
                    yield _numbered(pattern, i), part.branch, inner


def _parts(given: Any) -> Iterator[tuple[str | None, Part | BranchSpec]]:
    if isinstance(given, dict):
        yield from ((child_name(name), part) for name, part in given.items())
    else:
        yield from ((None, part) for part in ([given] if isinstance(given, BranchSpec) else given))


def _numbered(pattern: str | None, i: int) -> str | None:
    if pattern is None:
        return None
    return child_name(pattern.replace("{i}", str(i)).replace("{n}", str(i + 1)))
