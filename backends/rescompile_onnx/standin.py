"""What emitted code finds where it imports onnxscript, while it is proved.

Values compute nothing: operators, and the helpers of a file, which are known by their text, make
terms of them. What draws weights is executed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from types import SimpleNamespace
from typing import Any, cast

from rescompile.emit.table import by_name
from rescompile.emit.template import helpers
from rescompile.emit.validation.modules import (
    Factor,
    Filled,
    Leaf,
    List,
    Module,
    Sequential,
    StandIn,
    Value,
    called,
    joined,
)
from rescompile.emit.validation.traced import TraceError
from rescompile.ir.initial import NORMAL, UNIFORM, Draw
from rescompile.ir.nodes import JoinKind
from rescompile.ir.structure import INPUT
from rescompile.ir.trace import Elaborated
from rescompile.ops import Parameter, Role

from .operations import FUNCTIONS, TABLE
from .syntax import DRAWN, HELPERS, IMAGES, names, perm

RNG = SimpleNamespace(
    normal=lambda mean, std, shape: Draw(NORMAL if mean == 0 else "shifted normal", std),
    uniform=lambda low, high, shape: Draw(UNIFORM if low == -high else "?", high / math.sqrt(3)),
)


class Tensor(Value):
    """A value of a graph: N x channels (x height x width), say."""

    @property
    def shape(self) -> tuple[Any, ...]:
        if self.last:
            raise TraceError("the shape of a value whose channels were moved")
        return ("N", *self.inner)


class Operation(Leaf):
    """A class of the file, which gives an operator its weights; `scope` is the file's."""

    scope: Mapping[str, Any]

    def start(self, parameter: Parameter) -> Draw:
        if not isinstance(parameter.start, Role):
            return super().start(parameter)
        (name,) = (name for name, role in DRAWN.items() if role is parameter.start)
        made: Draw = self.scope[name](RNG, parameter.shape)
        return made

    def forward(self, *given: Any) -> Value:
        return super().forward(given[-1])


class Apply(Module):
    """An operator, or a function of the file."""

    def __init__(self, kind: Any, *args: Any, **options: Any) -> None:
        super().__init__()
        self.kind, self.args, self.options = kind, args, options

    def forward(self, op: Any, x: Value) -> Any:
        apply = getattr(op, self.kind) if isinstance(self.kind, str) else partial(self.kind, op)
        return apply(x, *self.args, **self.options)


def _join(kind: JoinKind, *values: Any, axis: int = 1) -> Value:
    x, other, *_ = values
    if isinstance(other, Factor):
        return other * cast(Value, x)
    if kind is JoinKind.MULTIPLY and not isinstance(other, Value):
        return called(CALLED["op.Mul"], *values)
    if axis != 1:
        raise TraceError(f"axis {axis} is joined")
    return joined(kind, values)


def _unsqueeze(factor: Any, axes: list[int]) -> Factor:
    if not isinstance(factor, Factor) or axes != [*range(1, len(axes) + 1)]:
        raise TraceError(f"axes {axes} where no channels want them")
    return factor.spread(len(axes))


def _split(x: Value, *, axis: int, num_outputs: int, _outputs: int) -> list[Value]:
    if x.last or axis != 1 or num_outputs != _outputs:
        raise TraceError("channels are split that are elsewhere, or other parts are taken")
    return x.shares(num_outputs)


def _transpose(x: Value, *, perm: list[int]) -> Value:
    rank = len(x.inner)
    if rank == 1 or perm != order(rank, not x.last):
        raise TraceError(f"axes in the order {perm}")
    return x.view(x.term, last=not x.last)


def _ready(
    kept: dict[str, Any], scope: Mapping[str, Any], elaborated: Elaborated, varied: bool
) -> None:
    """What a file says of its model beside the classes."""
    network = elaborated.network
    inputs = {IMAGES if name == INPUT else name: shape for name, shape in network.inputs.items()}
    wanted = {
        "DOMAIN": network.name,
        "OPSETS": {"": 21, network.name: 1},
        "INPUTS": scope.get("INPUTS") if varied else inputs,
        "OUTPUTS": [*names(network)],
    }
    for name, value in wanted.items():
        if repr(scope.get(name)) != repr(value):
            raise TraceError(f"{name} is {scope.get(name)}, not {value}")
    kept.update(scope)


order, CALLED = perm, by_name(TABLE)
OP = SimpleNamespace(
    **{name[3:]: partial(called, rows) for name, rows in CALLED.items() if "." in name},
    Add=partial(_join, JoinKind.ADD),
    Concat=partial(_join, JoinKind.CONCAT),
    Split=_split,
    Transpose=_transpose,
    Unsqueeze=_unsqueeze,
)
OP.Mul = partial(_join, JoinKind.MULTIPLY)
NN = SimpleNamespace(Module=Module, ModuleList=List)
IMPORTS = {
    "numpy": SimpleNamespace(random=SimpleNamespace(Generator=object), ndarray=object),
    "onnx": None,
    "onnx_ir": SimpleNamespace(Value=Tensor),
    "onnx_ir.passes": SimpleNamespace(common=None),
    "onnxscript": SimpleNamespace(OpBuilder=object, build_function=None, nn=NN),
    "collections.abc": SimpleNamespace(Sequence=list),
    "typing": SimpleNamespace(Any=Any),
}


def standin() -> StandIn:
    """With an empty scope, which is that of the file once it was executed."""
    scope: dict[str, Any] = {}
    kind: Any = type("Drawn", (Operation,), {"scope": scope})
    known: dict[str, Any] = {
        **dict.fromkeys(helpers(HELPERS)),
        **{name: kind.of(*rows) for name, rows in CALLED.items() if rows[0].own},
        **{
            name: lambda op, *given, rows=CALLED[name], **options: called(rows, *given, **options)
            for name in FUNCTIONS
        },
        "parameter": lambda shape, start: Factor(Filled(tuple(shape), start)),
        "function": lambda kind: kind,
        "Sequential": Sequential,
        "Apply": Apply,
    }
    return StandIn(IMPORTS, known, Tensor, given=(OP,), ready=partial(_ready, scope))
