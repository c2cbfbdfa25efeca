"""A function that several places of a file share: its parameters are what varies between them.

What they agree on is written into it. An expression over the parameters of a block means nothing
there, so that it is always told.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ...expr.dims import Expr
from ..layout import Code, Keyword
from ..scope import Argument, Scope


class Shared:
    """What such a function is told. `said` has what each place says of its options.

    `natural` has all options, with what each is where a call says nothing; the function's own text
    asks for those which are `tested`.
    """

    def __init__(
        self,
        name: str,
        natural: Mapping[str, str],
        said: Sequence[Mapping[str, Any]],
        tested: Collection[str] = (),
    ) -> None:
        self.name = name
        given = [{key: Scope().code(options[key]) for key in natural} for options in said]
        found = {key: {values[key] for values in given} for key in natural}
        asked = {key for options in said for key in natural if _is_symbolic(options[key])}
        self.fixed = given[0]
        self.varying = [k for k in natural if k in tested or k in asked or len(found[k]) > 1]
        usual = (key for key in self.varying if natural[key] in found[key])
        self.defaults = {key: natural[key] for key in usual}

    @property
    def values(self) -> dict[str, Code]:
        """The options within the function, as source."""
        return {key: key if key in self.varying else code for key, code in self.fixed.items()}

    def told(self, options: Mapping[str, Any], scope: Scope) -> list[Keyword]:
        """What a call says."""
        values = {key: scope.code(options[key]) for key in self.varying}
        return [Keyword(k, value) for k, value in values.items() if value != self.defaults.get(k)]

    def arguments(self, types: Mapping[str, str]) -> list[Argument]:
        """The parameters for it: of `types`, or whole numbers."""
        return [Argument(k, types.get(k, "int"), self.defaults.get(k)) for k in self.varying]


def _is_symbolic(value: Any) -> bool:
    return any(isinstance(dim, Expr) for dim in (value if isinstance(value, tuple) else (value,)))
