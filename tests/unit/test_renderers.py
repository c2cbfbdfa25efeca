"""The class renderer serves other frameworks with modules: one in Flax NNX' style, say.

There constructors take the streams of random numbers and hand them on, activations are functions
that the forward pass calls, the channels are last, and a sequence grows by its list of layers.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from rescompile.api import open_spec
from rescompile.emit.classes.define import define_network, new_program
from rescompile.emit.classes.syntax import Class, Syntax
from rescompile.emit.layout import Call, Code, Items, Keyword
from rescompile.emit.scope import Scope
from rescompile.ir.nodes import Layer
from rescompile.ops import Activation, BatchNorm, Conv

Write = Callable[..., Path]
SPEC = """
blocks:
  unit:
    parameters: {channels: {type: int}, stride: {type: int, default: 1, once: true}}
    body:
      - residual:
          shortcut: projection
          branch:
            - conv: {channels: $channels, kernel: 3, stride: $stride}
              name: conv
            - norm: {}
              name: bn
      - activation: {}
        name: relu
  steps:
    parameters: {n: {type: int}}
    inline:
      - conv: {channels: $n, kernel: 1}
      - {activation: {}, when: $n > 4}
      - concat: [[], [{conv: {channels: $n, kernel: 1}}]]
  row:
    parameters: {n: {type: int}}
    sequence:
      - conv: {channels: $n, kernel: 1}
      - {activation: {}, when: $n > 4}
      - {block: unit, channels: $n + $index, repeat: 2}
stages:
  - {name: layer1, block: unit, channels: 8, stride: 2, repeat: 3}
  - {name: layer2, block: unit, channels: 8, repeat: 2}
  - {name: thin, block: row, n: 4}
  - {name: wide, block: row, n: 8}
  - name: tail
    group: [{block: steps, n: 4}, {block: steps, n: 8}, {activation: {}}]
"""
UNIT = """\
def __init__(self, in_channels: int, channels: int, stride: int = 1, *, rngs: nnx.Rngs) -> None:
        self.conv = nnx.Conv(in_channels, channels, (3, 3), stride, rngs=rngs)
        self.bn = nnx.BatchNorm(channels, rngs=rngs)
        self.shortcut: nnx.Module = nnx.identity
        if stride != 1 or in_channels != channels:
            self.shortcut = nnx.Sequential(
                nnx.Conv(in_channels, channels, (1, 1), stride, rngs=rngs),
                nnx.BatchNorm(channels, rngs=rngs),
            )
        shortcut = self.shortcut(x)
        x = self.bn(self.conv(x))
        x += shortcut
        return nnx.relu(x)"""
STAGE = """\
def make_stage(
    in_channels: int, channels: int, blocks: int, stride: int = 1, *, rngs: nnx.Rngs
) -> nnx.Sequential:
    first = Unit(in_channels, channels, stride=stride, rngs=rngs)
    rest = (Unit(channels, channels, rngs=rngs) for _ in range(blocks - 1))
    return nnx.Sequential(first, *rest)"""
ROW = """\
def __init__(self, in_channels: int, n: int, *, rngs: nnx.Rngs) -> None:
        super().__init__(nnx.Conv(in_channels, n, (1, 1), rngs=rngs))
        if n > 4:
            self.layers.append(nnx.relu)
        width = n
        for i in range(2):
            self.layers.append(Unit(width, n + i, rngs=rngs))
            width = n + i"""
STEPS = """\
def steps(in_channels: int, n: int, *, rngs: nnx.Rngs) -> list[nnx.Module]:
    layers: list[nnx.Module] = [nnx.Conv(in_channels, n, (1, 1), rngs=rngs)]
    if n > 4:
        layers.append(nnx.relu)
    layers.append(StepsConcat(n, n=n, rngs=rngs))
    return layers"""
JOIN = """\
def __init__(self, in_channels: int, n: int, *, rngs: nnx.Rngs) -> None:
        self.conv = nnx.Conv(in_channels, n, (1, 1), rngs=rngs)
        return jnp.concatenate([x, self.conv(x)], axis=-1)"""
NETWORK = """\
def __init__(self, *, rngs: nnx.Rngs) -> None:
        self.layer1 = make_stage(3, 8, blocks=3, stride=2, rngs=rngs)
        self.layer2 = make_stage(8, 8, blocks=2, rngs=rngs)
        self.thin = Row(8, n=4, rngs=rngs)
        self.wide = Row(5, n=8, rngs=rngs)
        self.tail = nnx.Sequential(
            *steps(9, n=4, rngs=rngs),  # 16 x 16 x 8
            *steps(8, n=8, rngs=rngs),  # 16 x 16 x 16
            nnx.relu,
        )
        x = self.layer1(x)  # 16 x 16 x 8
        x = self.layer2(x)  # 16 x 16 x 8
        x = self.thin(x)  # 16 x 16 x 5
        x = self.wide(x)  # 16 x 16 x 9
        return self.tail(x)  # 16 x 16 x 16"""


class Nnx(Syntax):
    module, sequence, identity = "nnx.Module", "nnx.Sequential", "nnx.identity"
    holds = "layers"
    layout = "channels_last"
    declared = ("*", "rngs: nnx.Rngs")
    passed = (Keyword("rngs", "rngs"),)
    inline = (Activation,)

    def layer(self, node: Layer, scope: Scope, in_place: bool) -> Code:
        channels = scope.entering(node)
        if isinstance(node.op, Conv):
            kernel = Items("(", ")", tuple(scope.dim(size) for size in node.op.kernel))
            stride = [] if node.op.stride == (1, 1) else [scope.extents(node.op.stride)]
            given = (channels, scope.dim(node.op.channels), kernel, *stride, *self.passed)
            return Call("nnx.Conv", given)
        if isinstance(node.op, BatchNorm):
            return Call("nnx.BatchNorm", (channels, *self.passed))
        assert isinstance(node.op, Activation)
        return f"nnx.{node.op.word}"

    def apply(self, node: Layer, member: str, source: Code) -> Code:
        called = f"nnx.{node.op.word}" if isinstance(node.op, Activation) else member
        return Call(called, (source,))

    def concat(self, operands: tuple[Code, ...]) -> Code:
        return Call("jnp.concatenate", (Items("[", "]", operands), Keyword("axis", "-1")))


def written(definition: Class) -> str:
    return "\n".join([definition.signature.strip(), *definition.lines, *definition.forward])


def test_classes_of_another_framework(write: Write) -> None:
    analysis = open_spec(write(SPEC)).analysis
    program = new_program(analysis, Nnx(analysis))
    network = define_network(program)
    made = {one.name: written(one) for one in (*program.order, network)}
    assert list(made) == ["Unit", "make_stage", "Row", "StepsConcat", "steps", "Mine"]
    assert list(made.values()) == [UNIT, STAGE, ROW, JOIN, STEPS, NETWORK]
