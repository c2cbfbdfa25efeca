"""What emitted files define beside their classes, as far as they use it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import onnx_ir as ir
from onnx_ir.passes import common
from onnxscript import OpBuilder, build_function, nn

DOMAIN, OPSETS = "", {"": 21}
INPUTS: dict[str, tuple[int, ...]] = {}
OUTPUTS: list[str] = []
conv_init: Any = None
linear_init: Any = None


def parameter(shape: Sequence[int], start: Any) -> nn.Parameter:
    """A tensor that starts as a number, or as what is drawn of its shape."""
    made = nn.Parameter(shape)
    made.meta["start"] = start
    return made


def trace(module: nn.Module, names: Sequence[str], xs: Sequence[ir.Value]) -> ir.Function:
    """A module as a function of values, and then of its weights."""

    def build(op: OpBuilder, *known: ir.Value) -> list[ir.Value]:
        made = module.forward(op, *known)
        ys: list[ir.Value] = []
        for y in made if isinstance(made, tuple) else [made]:
            ys.append(op.Identity(y) if y in (*known, *ys) else y)
        graph = op.builder.graph
        for name, weight in module.named_parameters():
            graph.initializers.pop(weight.name, None)
            own = ir.val(name, weight.dtype, weight.shape)
            own.meta.update(weight.meta)
            graph.inputs.append(own)
            for node, place in weight.uses():
                if node.graph is graph:
                    node.replace_input_with(place, own)
        return ys

    named = zip(names, xs, strict=True)
    inputs = [ir.val(name, x.dtype, x.shape) for name, x in named]
    how = {"domain": DOMAIN, "opset_imports": OPSETS}
    made = build_function(build, inputs, name=type(module).__name__, **how)
    for node in made:
        if any(y.type is None for y in node.outputs):  # the builder goes on
            raise ValueError(f"{node.name}: {node.metadata_props}")
    return made


def function(kind: Any) -> Any:
    """Make a function of the model of a module, and a node of each call."""

    def call(self: nn.Module, op: OpBuilder, *xs: ir.Value) -> Any:
        names = self.forward.__code__.co_varnames[2 : 2 + len(xs)]
        body = trace(self, names, xs)
        op.builder.push_module(self.name)
        made = op.call(body, *xs, *self.parameters())
        op.builder.pop_module()
        ys = (made,) if isinstance(made, ir.Value) else tuple(made)
        for y, inner in zip(ys, body.outputs, strict=True):
            y.type, y.shape = inner.type, inner.shape
        ys[0].producer().meta["body"] = body
        return ys if len(ys) > 1 else made

    kind.__call__ = call
    return kind


def structure(body: ir.Function) -> str:
    """All that a function is but for the values of attributes."""
    made = [value for node in body for value in node.outputs]
    place = {value: i for i, value in enumerate([*body.inputs, *made])}
    shown: list = [value.name for value in body.inputs]
    for node in body:
        inputs = [*map(place.get, node.inputs)]
        shown += [node.op_type, inputs, *node.attributes]
    return str([*shown, *map(place.get, body.outputs)])


def find(nodes: Any, found: dict[tuple, list[ir.Node]]) -> None:
    """The calls of each function, inner ones first; other nodes make another function."""
    for node in nodes:
        if body := node.meta.get("body"):
            find(body, found)
            kind = body.name, structure(body)
            found.setdefault(kind, []).append(node)
            number = [k for k in found if k[0] == body.name].index(kind)
            node.op_type += f"_{number + 1}" if number else ""


def shared(calls: list[ir.Node]) -> ir.Function:
    """The function of some calls: what they differ in are its attributes."""
    bodies, names = [call.meta["body"] for call in calls], dict[tuple, str]()
    first, graph = calls[0], bodies[0].graph
    for steps in zip(*bodies, strict=True):
        for key in [*steps[0].attributes]:
            said = [step.attributes[key] for step in steps]
            values = tuple(ir.to_proto(a).SerializeToString() for a in said)
            if len({*values}) == 1:
                continue
            if values not in names:
                name = key
                while name in names.values():
                    name += "_2"
                names[values] = name
                for call, one in zip(calls, said, strict=True):
                    call.attributes.add(ir.Attr(name, one.type, one.value))
            told = ir.RefAttr(key, names[values], said[0].type)
            steps[0].attributes.add(told)
    for value in [*graph.inputs, *(y for node in graph for y in node.outputs)]:
        value.shape = None  # calls have others
    own = [ir.Attr(n, first.attributes[n].type, None) for n in names.values()]
    return ir.Function(DOMAIN, first.op_type, graph=graph, attributes=own)


def export(net: nn.Module, dtype: str = "float32", seed: int = 0, **shapes: Any) -> onnx.ModelProto:
    """The model of a network, for any number of images, with weights that are drawn."""
    kind = ir.DataType.from_numpy(np.dtype(dtype))
    for weight in net.parameters():
        weight.type = ir.TensorType(kind)
    given, rng = {**INPUTS, **shapes}, np.random.default_rng(seed)
    xs = [ir.val(name, kind, ["N", *given[name]]) for name in INPUTS]
    graph = trace(net, [*INPUTS], xs).graph
    for weight in graph.inputs[len(xs) :]:
        start, shape = weight.meta["start"], weight.shape.numpy()
        drawn = start(rng, shape) if callable(start) else start
        weight.const_value = ir.tensor(np.full(shape, drawn, dtype), kind)
        graph.register_initializer(weight)
    del graph.inputs[len(xs) :]
    for y, name in zip(graph.outputs, OUTPUTS, strict=True):
        y.name = f"{name}.y" if name in graph.initializers else name
    found: dict[tuple, list[ir.Node]] = {}
    find(graph, found)
    functions = [shared(calls) for calls in found.values()]
    model = ir.Model(graph, ir_version=10, functions=functions)
    common.ClearMetadataAndDocStringPass()(model)
    model.doc_string = __doc__
    return ir.to_proto(model)


class Sequential(nn.Sequential):
    """Members one after the other, which may have names; without any it does nothing."""

    def add_module(self, name: str, module: nn.Module) -> None:
        setattr(self, name, module)

    def forward(self, op: OpBuilder, x: ir.Value) -> ir.Value:
        for module in self:
            x = module(op, x)
        return x


class Apply(nn.Module):
    """An operator of ONNX, or a function of this file, as a module."""

    def __init__(self, kind: Any, *args: Any, **attributes: Any) -> None:
        super().__init__()
        self.kind, self.args, self.attributes = kind, args, attributes

    def forward(self, op: OpBuilder, x: ir.Value) -> ir.Value:
        if isinstance(self.kind, str):
            return getattr(op, self.kind)(x, *self.args, **self.attributes)
        return self.kind(op, x, *self.args, **self.attributes)


class Layer(nn.Module):
    """An operator of its class' name, which takes its weights in their order."""

    def __init__(
        self, channels: int, shape: Sequence[int], start: Any, bias: bool = False, **attributes: Any
    ) -> None:
        super().__init__()
        self.weight = parameter(shape, start)
        self.bias = parameter([channels], 0.0) if bias else None
        self.attributes = attributes

    def forward(self, op: OpBuilder, x: ir.Value) -> ir.Value:
        apply = getattr(op, type(self).__name__)
        return apply(x, *self.parameters(), **self.attributes)


class Conv(Layer):
    def __init__(
        self, in_channels: int, channels: int, kernel: Sequence[int], group: int = 1, **how: Any
    ) -> None:
        shape = [channels, in_channels // group, *kernel]
        super().__init__(channels, shape, conv_init, group=group, **how)


class StdConv(Conv):
    """By weights of mean 0 and variance 1 for each output (Qiao et al. 2019, Brock et al. 2021)."""

    def __init__(
        self, *sizes: Any, epsilon: float = 1e-6, gain: bool = False, gamma: float = 1.0, **how: Any
    ) -> None:
        super().__init__(*sizes, **how)
        outputs, *window = self.weight.shape
        self.epsilon = epsilon
        self.scale = gamma / float(np.prod(window)) ** 0.5
        self.gain = parameter([outputs, 1, 1, 1], 1.0) if gain else None

    def forward(self, op: OpBuilder, x: ir.Value) -> ir.Value:
        weight = op.Sub(self.weight, op.ReduceMean(self.weight, [1, 2, 3]))
        variance = op.ReduceMean(op.Mul(weight, weight), [1, 2, 3])
        weight = op.Div(weight, op.Sqrt(op.Add(variance, self.epsilon)))
        if self.gain is not None:
            weight = op.Mul(weight, op.Mul(self.gain, self.scale))
        return op.Conv(x, weight, self.bias, **self.attributes)


class ConvTranspose(Layer):
    def __init__(
        self, in_channels: int, channels: int, kernel: Sequence[int], group: int = 1, **how: Any
    ) -> None:
        shape = [in_channels, channels // group, *kernel]
        super().__init__(channels, shape, conv_init, group=group, **how)


class Linear(Layer):
    """Of a vector, or at each position of a map whose channels are last."""

    def __init__(self, in_features: int, features: int, bias: bool = True) -> None:
        super().__init__(features, [features, in_features], linear_init, bias)

    def forward(self, op: OpBuilder, x: ir.Value) -> ir.Value:
        if len(x.shape) == 2:
            return op.Gemm(x, self.weight, self.bias, transB=1)
        y = op.MatMul(x, op.Transpose(self.weight, perm=[1, 0]))
        return y if self.bias is None else op.Add(y, self.bias)


class Normalization(Layer):
    """With a scale and a shift for each channel."""

    def __init__(self, channels: int, **attributes: Any) -> None:
        super().__init__(channels, [channels], 1.0, True, **attributes)


class BatchNormalization(Normalization):
    def __init__(self, channels: int, **attributes: Any) -> None:
        super().__init__(channels, **attributes)
        self.running_mean = parameter([channels], 0.0)
        self.running_var = parameter([channels], 1.0)


class InstanceNormalization(Normalization):
    pass


class GroupNormalization(Normalization):
    def forward(self, op: OpBuilder, x: ir.Value) -> ir.Value:
        self.attributes["stash_type"] = x.dtype  # or it computes in float32
        y = super().forward(op, x)
        y.type, y.shape = x.type, x.shape  # which onnx does not infer
        return y


class LayerNormalization(Normalization):
    """Over the channels, which the operator wants last."""

    def __init__(self, channels: int, axis: int = -1, **attributes: Any) -> None:
        super().__init__(channels, **attributes)
        self.axis = axis

    def forward(self, op: OpBuilder, x: ir.Value) -> ir.Value:
        rank = len(x.shape)
        if self.axis == -1 or rank == 2:
            return super().forward(op, x)
        x = op.Transpose(x, perm=[0, *range(2, rank), 1])
        x = super().forward(op, x)
        return op.Transpose(x, perm=[0, rank - 1, *range(1, rank - 1)])


class PRelu(Layer):
    """A learned slope for each channel, or a `shared` one (He et al. 2015)."""

    def __init__(self, channels: int, start: float = 0.25, shared: bool = False) -> None:
        super().__init__(channels, [1 if shared else channels], start)

    def forward(self, op: OpBuilder, x: ir.Value) -> ir.Value:
        places = [*range(1, len(x.shape) - 1)]
        slope = op.Unsqueeze(self.weight, places) if places else self.weight
        return op.PRelu(x, slope)


class ChannelConv(Layer):
    """Along the channels of one pixel (Wang et al. 2020)."""

    def __init__(self, size: int, bias: bool = False) -> None:
        super().__init__(1, [1, 1, size], conv_init, bias)

    def forward(self, op: OpBuilder, x: ir.Value) -> ir.Value:
        pads = 2 * [self.weight.shape[2] // 2]
        y = op.Reshape(x, [0, 1, x.shape[1]])
        y = op.Conv(y, *self.parameters(), pads=pads)
        return op.Reshape(y, [0, *x.shape[1:]])


class GlobalResponseNorm(Layer):
    """Channels weighed by their norm over the map (Woo et al. 2023)."""

    def __init__(self, channels: int, axis: int = -1, epsilon: float = 1e-6) -> None:
        super().__init__(channels, [channels], 0.0, True)
        self.axis, self.epsilon = axis, epsilon

    def forward(self, op: OpBuilder, x: ir.Value) -> ir.Value:
        weight, bias, places = self.weight, self.bias, [1, 2]
        if self.axis == 1:
            weight = op.Unsqueeze(weight, [1, 2])
            bias = op.Unsqueeze(bias, [1, 2])
            places = [2, 3]
        norm = op.ReduceL2(x, places)
        mean = op.ReduceMean(norm, [self.axis])
        share = op.Div(norm, op.Add(mean, self.epsilon))
        y = op.Mul(op.Mul(x, share), weight)
        return op.Add(x, op.Add(y, bias))


def local_response_norm(
    op: OpBuilder, x: ir.Value, size: int, alpha: float, beta: float, k: float
) -> ir.Value:
    """By a pool, since LRN does not agree on an even `size` with anyone else."""
    pads = [size // 2, 0, (size - 1) // 2, 0]
    y = op.Reshape(op.Mul(x, x), [0, 1, x.shape[1], -1])
    y = op.AveragePool(y, kernel_shape=[size, 1], pads=pads, count_include_pad=1)
    y = op.Add(op.Mul(op.Reshape(y, [0, *x.shape[1:]]), alpha), k)
    # A power has a type of its own, which would be float32.
    power = op.Constant(value=ir.tensor(beta, x.dtype))
    return op.Div(x, op.Pow(y, power))


def global_attention_pool(op: OpBuilder, x: ir.Value, keepdims: bool = False) -> ir.Value:
    """The mean over all positions, weighed by the softmax of the last channel (Cao et al. 2019)."""
    _, channels, *extents = x.shape
    places = op.Reshape(x, [0, channels, -1])
    values, scores = op.Split(places, [channels - 1, 1], axis=1, _outputs=2)
    weights = op.Transpose(op.Softmax(scores, axis=2), perm=[0, 2, 1])
    shape = [0, channels - 1, *(1 for _ in extents)] if keepdims else [0, channels - 1]
    return op.Reshape(op.MatMul(values, weights), shape)


def l2_norm(op: OpBuilder, x: ir.Value, epsilon: float = 1e-12) -> ir.Value:
    """By its parts, since LpNormalization has no epsilon."""
    return op.Div(x, op.Clip(op.ReduceL2(x, [1]), epsilon))


def split_softmax(op: OpBuilder, x: ir.Value, splits: int, groups: int = 1) -> ir.Value:
    """Across equal parts of the channels (Li et al. 2019)."""
    y = op.Softmax(op.Reshape(x, [0, groups, splits, -1]), axis=2)
    return op.Reshape(y, [0, *x.shape[1:]])


def crop(op: OpBuilder, x: ir.Value, sides: Sequence[int]) -> ir.Value:
    """Without pixels of the border: those before each axis, then those after."""
    axes = len(sides) // 2
    ends = [-n if n else np.iinfo(np.int32).max for n in sides[axes:]]
    return op.Slice(x, sides[:axes], ends, [*range(2, axes + 2)])


def unflatten(op: OpBuilder, x: ir.Value, size: Sequence[int]) -> ir.Value:
    """A vector as maps of a size, in the order channels, rows, columns."""
    return op.Reshape(x, [0, x.shape[1] // (size[0] * size[1]), *size])


def silu(op: OpBuilder, x: ir.Value) -> ir.Value:
    return op.Mul(x, op.Sigmoid(x))


def log_sigmoid(op: OpBuilder, x: ir.Value) -> ir.Value:
    return op.Neg(op.Softplus(op.Neg(x)))


def hard_shrink(op: OpBuilder, x: ir.Value, threshold: float) -> ir.Value:
    """x where |x| is above the threshold, else 0."""
    return op.Where(op.Greater(op.Abs(x), threshold), x, 0.0)


def soft_shrink(op: OpBuilder, x: ir.Value, threshold: float) -> ir.Value:
    """x nearer to zero by the threshold, and 0 where it would pass it."""
    return op.Sub(x, op.Clip(x, -threshold, threshold))


def tanh_shrink(op: OpBuilder, x: ir.Value) -> ir.Value:
    return op.Sub(x, op.Tanh(x))


def threshold(op: OpBuilder, x: ir.Value, level: float, value: float) -> ir.Value:
    """x where it is above the level, else the value."""
    return op.Where(op.Greater(x, level), x, value)


def celu(op: OpBuilder, x: ir.Value, alpha: float) -> ir.Value:
    """By Elu, since Celu is for float32 alone (Barron 2017)."""
    return op.Mul(op.Elu(op.Div(x, alpha)), alpha)


def channel_shuffle(op: OpBuilder, x: ir.Value, groups: int) -> ir.Value:
    """Interleaves groups of channels (Zhang et al. 2017)."""
    _, channels, height, width = x.shape
    y = op.Reshape(x, [0, groups, channels // groups, height, width])
    y = op.Transpose(y, perm=[0, 2, 1, 3, 4])
    return op.Reshape(y, [0, channels, height, width])


def space_to_depth(op: OpBuilder, x: ir.Value, scale: int) -> ir.Value:
    """Squares of pixels become channels, in the order of PyTorch's PixelUnshuffle."""
    _, channels, height, width = x.shape
    rows, columns = height // scale, width // scale
    y = op.Reshape(x, [0, channels, rows, scale, columns, scale])
    y = op.Transpose(y, perm=[0, 1, 3, 5, 2, 4])
    return op.Reshape(y, [0, channels * scale**2, rows, columns])


def stochastic_depth(op: OpBuilder, x: ir.Value, rate: float) -> ir.Value:
    """Drops samples in training, with a probability of `rate`; a graph has none."""
    return x


def upsample_to(
    op: OpBuilder, x: ir.Value, size: Any, mode: str = "nearest", align_corners: bool = False
) -> ir.Value:
    """Pixels are squares, of which the nearest is taken, or their centres are linked."""
    placed = "align_corners" if align_corners else "half_pixel"
    how = {"mode": "linear", "axes": [*range(2, len(x.shape))]}
    if mode == "nearest":
        how |= {"mode": mode, "nearest_mode": "floor"}
        placed = "asymmetric"
    how["coordinate_transformation_mode"] = placed
    return op.Resize(x, None, None, list(size), **how)


def upsample(
    op: OpBuilder, x: ir.Value, scale: int, mode: str = "nearest", align_corners: bool = False
) -> ir.Value:
    size = [scale * extent for extent in x.shape[2:]]
    return upsample_to(op, x, size, mode, align_corners)


def cells(extent: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Of each cell of a grid the first pixel, and the one after its last: two columns."""
    ends = np.arange(count + 1)[:, None] * extent
    return ends[:-1] // count, -(-ends[1:] // count)


def adaptive_average_pool(op: OpBuilder, x: ir.Value, size: Sequence[int]) -> ir.Value:
    """The mean of each cell of a grid: sums along each axis, then divided."""
    y, area, after = x, np.ones(()), np.prod(x.shape[2:])
    for extent, count in zip(x.shape[2:], size, strict=True):
        starts, ends = cells(extent, count)
        seen = np.arange(extent)
        inside = ((starts <= seen) & (seen < ends)).astype(x.dtype.numpy())
        area = np.multiply.outer(area, inside.sum(axis=1))
        after = after // extent
        y = op.Reshape(y, [0, -1, extent, int(after)])
        y = op.MatMul(op.Constant(value=ir.tensor(inside)), y)
    y = op.Reshape(y, [0, x.shape[1], *size])
    area = ir.tensor(area.astype(x.dtype.numpy()))
    return op.Div(y, op.Constant(value=area))


def adaptive_max_pool(op: OpBuilder, x: ir.Value, size: Sequence[int]) -> ir.Value:
    """The maximum of each cell; smaller ones have their last pixel more than once."""
    for axis, count in enumerate(size, 2):
        starts, ends = cells(x.shape[axis], count)
        seen = starts + np.arange((ends - starts).max())
        seen = ir.tensor(np.minimum(seen, ends - 1))
        x = op.Gather(x, op.Constant(value=seen), axis=axis)
        x = op.ReduceMax(x, [axis + 1], keepdims=0)
    return x
