"""The helper `conv` of an emitted file: a convolution with the padding that PyTorch has.

It takes what varies between the convolutions of the network; what they agree on is written into it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rescompile.backend.layout import Arg, Call, Code, Keyword, signature, statement
from rescompile.ir.expr import Dim, Expr
from rescompile.ir.facts import Facts
from rescompile.ir.ops import Conv
from rescompile.ir.structure import Layer

from .facts import convs

Values = set[object]


class ConvHelper:
    """One helper function, for the regular convolutions or for the regular depthwise ones."""

    def __init__(self, facts: Facts, nodes: list[Layer], depthwise: bool = False) -> None:
        self.facts = facts
        self.depthwise = depthwise
        self.nodes = {id(node) for node in nodes}
        self.name = "depthwise_conv" if depthwise else "conv"
        found = [op for node in nodes for op, _ in convs(facts, node)]
        self.kernels: Values = {op.kernel[0] for op in found}
        self.strides: Values = {op.stride[0] for op in found}
        self.dilations: Values = {op.dilation[0] for op in found}
        self.groups: Values = {op.groups for op in found}
        self.biases = {op.bias for op in found}
        traces = [t for node in nodes for _, t in convs(facts, node)]
        self.multipliers: Values = {t.y[0] // t.x[0] for t in traces} if depthwise else {1}

    def call(self, op: Conv, source: str, name: Keyword, dim: Callable[[Dim], str]) -> Code:
        """The call of the helper for one convolution."""
        args: list[Arg] = [source]
        if not self.depthwise:
            args.append(dim(op.out_channels))
        if len(self.kernels) > 1:
            args.append(dim(op.kernel[0]))
        for values, keyword, value, default in (
            (self.strides, "stride", op.stride[0], 1),
            (self.dilations, "dilation", op.dilation[0], 1),
            (self.groups, "groups", op.groups, 1),
        ):
            varies = len(values) > 1 and not (keyword == "groups" and self.depthwise)
            if varies and value != default:
                args.append(Keyword(keyword, dim(value)))
        if len(self.biases) > 1 and op.bias:
            args.append(Keyword("use_bias", "True"))
        return Call(self.name, (*args, name))

    def lines(self) -> Iterator[str]:
        """The definition."""
        parameters = ["x: keras.KerasTensor"]
        if not self.depthwise:
            parameters.append("filters: int")
        if len(self.kernels) > 1:
            parameters.append("kernel_size: int")
        if len(self.strides) > 1:
            parameters.append("stride: int = 1")
        if len(self.dilations) > 1:
            parameters.append("dilation: int = 1")
        if len(self.groups) > 1 and not self.depthwise:
            parameters.append("groups: int = 1")
        if len(self.biases) > 1:
            parameters.append("use_bias: bool = False")
        parameters += ["*", "name: str"]
        yield signature(self.name, parameters, "keras.KerasTensor")
        yield from self.padding()
        yield self.layer()

    def padding(self) -> Iterator[str]:
        if self.strides == {1}:
            return
        kernel = self.one(self.kernels, "kernel_size")
        stride = self.one(self.strides, "stride")
        half = f"({kernel} - 1) // 2" if len(self.kernels) > 1 else ""
        if len(self.kernels) == 1:
            half = str((int(kernel) - 1) // 2)
        if len(self.dilations) > 1 or self.dilations != {1}:
            half = f"{half} * {self.one(self.dilations, 'dilation')}"
        tests = [f"{stride} > 1"] if len(self.strides) > 1 else []
        if len(self.kernels) > 1:
            tests.append(f"{kernel} > 1")
        if len(self.kernels) == 1 and kernel == "1":
            return
        pad = f'    x = layers.ZeroPadding2D({half}, name=f"{{name}}_pad")(x)'
        if not tests:
            yield pad
            return
        yield '    padding = "same"'
        yield f'    if {" and ".join(tests)}:  # here "same" would pad one side only'
        yield "    " + pad
        yield '        padding = "valid"'

    def layer(self) -> str:
        padding = "padding"
        always = len(self.strides) == 1 and self.strides != {1} and len(self.kernels) == 1
        if self.strides == {1} or self.kernels == {1}:
            padding = '"same"'
        elif always:
            padding = '"valid"'
        options: list[Arg] = []
        if self.dilations != {1}:
            options.append(Keyword("dilation_rate", self.one(self.dilations, "dilation")))
        if self.groups != {1} and not self.depthwise:
            options.append(Keyword("groups", self.one(self.groups, "groups")))
        if self.multipliers != {1}:
            options.append(Keyword("depth_multiplier", self.one(self.multipliers, "")))
        if self.biases != {True}:
            options.append(Keyword("use_bias", "use_bias" if True in self.biases else "False"))
        which = "depthwise_initializer" if self.depthwise else "kernel_initializer"
        constant = "DEPTHWISE_INIT" if self.depthwise else "CONV_INIT"
        head: tuple[Arg, ...] = () if self.depthwise else ("filters",)
        kernel, stride = self.one(self.kernels, "kernel_size"), self.one(self.strides, "stride")
        positional = (*head, kernel, stride, padding)
        named = (Keyword(which, constant), Keyword("name", "name"))
        kind = "layers.DepthwiseConv2D" if self.depthwise else "layers.Conv2D"
        made = Call(kind, (*positional, *options, *named))
        return statement(Call(made, ("x",)), before="return ", indent=4)

    def one(self, values: Values, name: str) -> str:
        """The one value, or the name of the parameter that tells it."""
        (value, *more) = sorted(values, key=str)
        assert not isinstance(value, Expr)
        return name if more else str(value)
