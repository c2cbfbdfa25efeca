"""The plain values that the template arranges: names, lines and functions of an emitted file."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain, count

from rescompile.emit.layout import Arg, Call, Code, Items, Keyword, signature, statement
from rescompile.emit.naming import Names
from rescompile.emit.summary import docstring
from rescompile.expr.dims import Dim, Var, names, substitute, text
from rescompile.ir.structure import CLASSES, IN_CHANNELS, INDEX, Block, Network, Param
from rescompile.record import record

TENSOR = "KerasTensor"
COUNTERS = "ijklm"
# What emitted functions rely on: neither a network, nor a value of a block can be called so.
RESERVED = frozenset(
    (
        *("keras", "layers", "KerasTensor", "math", "sys"),
        *("bool", "float", "int", "max", "min", "range", "round", "str", "tuple", "ValueError"),
    )
)
# What each function of a block or a stage calls its own, so that no value of a block is called so.
OWN = frozenset(("x", "name", "start"))
# What some functions bind: a function that is called so could not be called from there.
BOUND = frozenset((*OWN, *COUNTERS, "inputs", "input_shape", CLASSES, IN_CHANNELS))
COUNTS = ("blocks", "repeat", "repetitions", "count")  # how often a stage repeats its block
STAGE_NAME = "stage"  # a stage's own name, without the path to it


@record
class Label:
    """A layer's name, as the inside of an f-string: `{name}_conv1`."""

    text: str = ""

    def child(self, part: str) -> Label:
        return Label(f"{self.text}_{part}" if self.text else part)

    def code(self, suffix: str = "") -> str:
        """The name as a Python expression."""
        text = self.text + suffix
        if text == "{name}":
            return "name"
        return f'f"{text}"' if "{" in text else f'"{text}"'

    def keyword(self, suffix: str = "") -> Keyword:
        return Keyword("name", self.code(suffix))


BLOCK = Label("{name}")


@dataclass
class Scope:
    """A definition being rendered: how names are written in it, and which it has used."""

    shown: dict[str, Dim] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    loops: list[str] = field(default_factory=list)  # the counters of the loops around

    def dim(self, dim: Dim) -> str:
        """An expression as Python source."""
        self.used |= names(dim)
        index = {INDEX: Var(self.loops[-1])} if self.loops else {}
        return text(substitute(dim, {**self.shown, **index}), sigil="")

    def variable(self, name: str) -> Var:
        """A variable of the emitted function, whatever values of the block are called."""
        key = f"local {name}"  # no name in a spec
        self.shown[key] = Var(name)
        return Var(key)

    def pair(self, dims: tuple[Dim, Dim]) -> Code:
        """One expression for both axes where they agree."""
        first, second = (self.dim(dim) for dim in dims)
        return first if first == second else _tuple(first, second)

    def sides(self, padding: tuple[Dim, Dim, Dim, Dim]) -> Code:
        """Padding as ZeroPadding2D takes it, as short as it can be said."""
        top, bottom, left, right = (self.dim(dim) for dim in padding)
        if top == bottom and left == right:
            return top if top == left else _tuple(top, left)
        return _tuple(_tuple(top, bottom), _tuple(left, right))

    def pads(self, padding: tuple[Dim, Dim, Dim, Dim]) -> Code:
        """Padding as keras.ops.pad takes it: of every axis."""
        top, bottom, left, right = (self.dim(dim) for dim in padding)
        return _tuple("(0, 0)", _tuple(top, bottom), _tuple(left, right), "(0, 0)")


def _tuple(*items: Code) -> Code:
    return Items("(", ")", items)


@record
class Argument:
    """A parameter of an emitted function: its name there, and the block's own."""

    name: str
    type: str
    default: str | None = None
    of: str = ""

    @property
    def declared(self) -> str:
        return f"{self.name}: {self.type}" + ("" if self.default is None else f" = {self.default}")


@record
class Line:
    """A statement: code that is assigned to `target`, or plain text."""

    code: Code
    target: str = ""
    indent: int = 4
    comment: str = ""

    def __str__(self) -> str:
        if isinstance(self.code, str) and not self.target:
            return " " * self.indent + self.code + (f"  # {self.comment}" if self.comment else "")
        before = f"{self.target} = " if self.target else ""
        return statement(self.code, before=before, indent=self.indent, comment=self.comment)


@record
class Function:
    """A function of the emitted file, from a tensor and the name of what it makes to a tensor."""

    name: str
    arguments: tuple[Argument, ...]
    lines: tuple[str, ...]
    about: tuple[str, ...] = ()
    numbered: bool = False  # takes `start`, the number of its first layer in the caller's sequence

    def takes(self, name: str) -> bool:
        """Whether the text needs a block's parameter."""
        return any(argument.of == name for argument in self.arguments)

    @property
    def signature(self) -> str:
        given = [f"x: {TENSOR}", *(a.declared for a in self.arguments), "*", "name: str"]
        return signature(
            self.name, [*given, *(["start: int = 0"] if self.numbered else [])], TENSOR
        )

    def call(self, source: str, given: dict[str, str], label: Label, start: str = "0") -> Call:
        """A call: leading `channels` by position, the rest by keyword, defaults left out."""
        made: list[Arg] = [source]
        for i, argument in enumerate(self.arguments):
            value = given[argument.of or argument.name]
            if i == 0 and argument.of == "channels":
                made.append(value)
            elif value != argument.default:
                made.append(Keyword(argument.name, value))
        made.append(label.keyword())
        if self.numbered and start != "0":
            made.append(Keyword("start", start))
        return Call(self.name, tuple(made))


def function(
    name: str,
    arguments: Iterable[Argument],
    lines: Iterable[Line],
    about: str = "",
    numbered: bool = False,
) -> Function:
    """A function; the last value of x is what it returns."""
    body = tuple(_returning(list(lines)))
    return Function(name, tuple(arguments), body, tuple(docstring(about)), numbered)


def _returning(lines: list[Line], result: str = "x") -> Iterator[str]:
    if not lines:  # every step is conditional, and the condition is false
        yield f"    return {result}"
        return
    *body, last = lines
    yield from (str(line) for line in body)
    if last.indent == 4 and last.target == result:
        yield statement(last.code, before="return ", indent=4, comment=last.comment)
        return
    yield str(last)
    yield f"    return {result}"


def file_names(network: Network, helpers: Iterable[str]) -> Names:
    """Names for functions that no variable hides which the emitter binds itself, helpers taken.

    Values of blocks give way to them (`shown_names`).
    """
    return Names({*RESERVED, *BOUND, *COUNTS, STAGE_NAME, network.name, *helpers})


def free(wanted: Iterable[str], taken: Container[str]) -> str:
    """The first of some names that is free, or the first one with a number."""
    first, *others = wanted
    numbered = (f"{first}{number}" for number in count(2))
    return next(name for name in chain((first, *others), numbered) if name not in taken)


def arguments_of(block: Block, scope: Scope) -> tuple[Argument, ...]:
    """The parameters that a function's text needs, those with a default last."""
    given = [_argument(p, scope) for p in block.parameters if p.name in scope.used]
    required = [a for a in given if a.default is None]
    return (*required, *(a for a in given if a.default is not None))


def _argument(param: Param, scope: Scope) -> Argument:
    shown = scope.shown.get(param.name, Var(param.name))
    assert isinstance(shown, Var)
    default = None if param.default is None else text(param.default, "")
    return Argument(shown.name, param.type.__name__, default, of=param.name)


def number(value: float) -> str:
    """A float as it is written by hand: 1e-5, not 1e-05."""
    mantissa, e, exponent = repr(float(value)).partition("e")
    return f"{mantissa}e{int(exponent)}" if e else mantissa
