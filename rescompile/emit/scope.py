"""A definition being rendered: how names are written in it, and what its calls give it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from ..expr.assume import assuming
from ..expr.dims import Dim, Expr, Var, names, replaced, simplify, text
from ..ir.flow import Flow
from ..ir.nodes import Layer, Node
from ..ir.structure import IN_CHANNELS, INDEX, Block, Param
from ..record import record
from .layout import Arg, Code, Items, Keyword
from .naming import free

COUNTERS = ("i", "j", "k")
CHANNELS = "channels"  # what readers know without its name, as a framework's own layers take it


@dataclass
class Scope:
    """What enters the nodes of a definition, and which names its text has used.

    `shown` tells how names are written that Python has a meaning for. `taken` are the names that
    have one here; a variable of the emitter's own is called otherwise.
    """

    flow: Flow = field(default_factory=lambda: Flow({}))
    shown: dict[str, Dim] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)
    used: set[str] = field(default_factory=set)

    def dim(self, dim: Dim) -> str:
        """An expression as Python source."""
        dim = assuming(simplify(dim), {})
        self.used |= names(dim)
        shown: dict[Expr, Dim] = {Var(name): code for name, code in self.shown.items()}
        return text(replaced(dim, shown), sigil="")

    def extents(self, dims: tuple[Dim, ...]) -> Code:
        """One expression for all axes where they agree."""
        return _shortest([self.dim(dim) for dim in dims])

    def sides(self, padding: Iterable[tuple[Dim, Dim]]) -> Code:
        """Padding before and after each axis, as short as it can be said."""
        pairs = [(self.dim(before), self.dim(after)) for before, after in padding]
        if all(before == after for before, after in pairs):
            return _shortest([before for before, _ in pairs])
        return _tuple(*(_tuple(*pair) for pair in pairs)) if pairs[1:] else _tuple(*pairs[0])

    def pads(self, padding: Iterable[tuple[Dim, Dim]]) -> Code:
        """Padding of every axis, where the channels are last."""
        pairs = (_tuple(self.dim(before), self.dim(after)) for before, after in padding)
        return _tuple("(0, 0)", *pairs, "(0, 0)")

    def code(self, value: Any) -> Code:
        """An attribute as source text: a number, extents, or sides; a word is text already."""
        if isinstance(value, tuple):
            return self.sides(value) if isinstance(value[0], tuple) else self.extents(value)
        return str(value) if isinstance(value, (str, bool)) else self.dim(value)

    def entering(self, node: Node) -> str:
        """The channels that enter a node."""
        return self.dim(self.flow.entering[node.id])

    def fresh(self, *wanted: str) -> str:
        """A name for a variable: the first one that is free, or that with a number."""
        name = free(self.taken, *wanted)
        self.taken.add(name)
        return name

    def variable(self, name: str) -> Var:
        """A variable of the emitted function, whatever values of the block are called."""
        key = f"local {name}"  # no name in a spec
        self.shown[key] = Var(name)
        return Var(key)

    @contextmanager
    def bound(self, name: str, *wanted: str) -> Iterator[str]:
        """A fresh variable, inside, for what expressions there call `name`."""
        outer, made = self.shown.get(name), self.fresh(*wanted)
        self.shown[name] = Var(made)
        yield made
        self.taken.remove(made)
        if outer is None:
            del self.shown[name]
        else:
            self.shown[name] = outer

    @property
    def repeats(self) -> bool:
        """Whether what is rendered stands in a loop."""
        return INDEX in self.shown


def _tuple(*items: Code) -> Code:
    return Items("(", ")", items)


def _shortest(items: list[str]) -> Code:
    return items[0] if len({*items}) == 1 else _tuple(*items)


def beside(node: Layer, variables: Mapping[str, str]) -> Layer:
    """A layer that takes the size of another value: of the variable that holds it."""
    op = node.op
    return replace(node, op=op.beside(variables[op.like])) if op.like else node


@record
class Argument:
    """An argument of an emitted definition; `of` is its name in the spec."""

    name: str
    type: str
    default: str | None = None
    of: str = ""

    @property
    def key(self) -> str:
        """What calls know it by."""
        return self.of or self.name

    @property
    def declared(self) -> str:
        return f"{self.name}: {self.type}" + ("" if self.default is None else f" = {self.default}")


def arguments_of(block: Block, scope: Scope) -> tuple[Argument, ...]:
    """The parameters that the text of a block needs."""
    return ordered(_argument(p, scope) for p in block.parameters if p.name in scope.used)


def ordered(arguments: Iterable[Argument], *between: Argument) -> tuple[Argument, ...]:
    """Arguments as Python wants them, those with a default last; `between` come before these."""
    given = list(arguments)
    required = [a for a in given if a.default is None]
    return (*required, *between, *(a for a in given if a.default is not None))


def _argument(param: Param, scope: Scope) -> Argument:
    default = None if param.default is None else text(param.default, "")
    return Argument(scope.dim(Var(param.name)), param.type.__name__, default, of=param.name)


def call_args(arguments: tuple[Argument, ...], given: Mapping[str, str]) -> tuple[Arg, ...]:
    """Arguments for a call: leading channels by position, others by keyword, no defaults."""
    made: list[Arg] = []
    positional = True
    for argument in arguments:
        value = given[argument.key]
        positional = positional and argument.key in (IN_CHANNELS, CHANNELS)
        if positional:
            made.append(value)
        elif value != argument.default:
            made.append(Keyword(argument.name, value))
    return tuple(made)
