"""What emitted files define, as far as they use it, below names that each has for itself."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper
from onnx.shape_inference import infer_node_outputs

OPSET, DOMAIN = 21, ""
OPSETS = [helper.make_opsetid("", OPSET), helper.make_opsetid(DOMAIN, 1)]
op: Any = None
conv_init: Any = None
linear_init: Any = None


@dataclass(frozen=True, eq=False)
class Value:
    """A tensor in a graph: N x channels (x height x width), say, and N is open."""

    graph: "Graph"
    name: str
    type: onnx.TypeProto
    data: onnx.TensorProto | None = None  # of a constant

    @property
    def shape(self) -> tuple[Any, ...]:
        dims = self.type.tensor_type.shape.dim
        return tuple(dim.dim_value or dim.dim_param for dim in dims)


class Graph:
    """Nodes in the making: of the network, or of the call of a block that is named."""

    def __init__(self, dtype: Any, rng: np.random.Generator, name: str = "") -> None:
        self.dtype, self.rng, self.name = np.dtype(dtype), rng, name
        self.nodes: list[onnx.NodeProto] = []
        self.weights: dict[str, np.ndarray] = {}
        self.calls: list[tuple[onnx.NodeProto, Graph]] = []  # inner ones first
        self.taken: set[str] = set()
        self.inputs: list[str] = []
        self.results: list[str] = []

    def local(self, name: str) -> str:
        """What has that name, as it is called in the block."""
        return name.removeprefix(f"{self.name}.")

    def free(self, name: str) -> str:
        """A name for a value: the node's, unless another value has it."""
        while name in self.taken:
            name += "_"
        self.taken.add(name)
        return name

    def value(self, name: str, shape: Sequence[int | str]) -> Value:
        kind = helper.np_dtype_to_tensor_dtype(self.dtype)
        made = helper.make_tensor_type_proto(kind, shape)
        return Value(self, self.free(self.local(name)), made)

    def weight(self, name: str, shape: Sequence[int], start: Any) -> Value:
        """A tensor, and what it starts as: a number, or what is drawn."""
        drawn = start if isinstance(start, float) else start(self.rng, shape)
        value = self.value(name, shape)
        self.weights[value.name] = np.full(shape, drawn, self.dtype)
        return value

    def given(self, name: str, value: Any) -> Value:
        """An input: a value, nothing, an array, or one number."""
        if isinstance(value, Value):
            return value
        if value is None:
            return Value(self, "", onnx.TypeProto())
        array = isinstance(value, (list, np.ndarray))
        data = np.asarray(value, None if array else self.dtype)
        tensor = numpy_helper.from_array(data)
        (made,) = self.add("Constant", (), name, value=tensor)
        return replace(made, data=tensor)

    def add(self, kind: str, inputs: Sequence, name: str, **attributes: Any) -> list[Value]:
        """A node; its outputs, of which a split has several."""
        given = [self.given(f"{name}.{i}", x) for i, x in enumerate(inputs)]
        label, ends = self.local(name), range(attributes.get("num_outputs", 1))
        names = [self.free(f"{label}.{i}" if i else label) for i in ends]
        start = [x.name for x in given]
        node = helper.make_node(kind, start, names, label, **attributes)
        self.nodes.append(node)
        schema = onnx.defs.get_schema(kind, OPSET)
        types = {x.name: x.type for x in given}
        data = {x.name: x.data for x in given if x.data is not None}
        made = infer_node_outputs(schema, node, types, data, opset_imports=OPSETS)
        return [Value(self, end, made[end]) for end in names]


class Operators:
    """`op.Relu(x, name="relu")` adds a node where x is, and gives its output."""

    def __getattr__(self, kind: str) -> Callable[..., Any]:
        def add(x: Value, *more: Any, name: str, **attributes: Any) -> Any:
            made = x.graph.add(kind, (x, *more), name, **attributes)
            return made[0] if len(made) == 1 else made

        return add


def block(build: Callable[..., Any]) -> Callable[..., Any]:
    """Make an ONNX function of the nodes that a block adds, and one node of a call."""

    @functools.wraps(build)
    def call(*args: Any, name: str, **options: Any) -> Any:
        xs = [x for x in args if isinstance(x, Value)]
        graph, count = xs[0].graph, len(xs)
        body = Graph(graph.dtype, graph.rng, name)
        keys = [body.free(k) for k in build.__code__.co_varnames[:count]]
        kinds = zip(keys, xs, strict=True)
        starts = [Value(body, key, x.type) for key, x in kinds]
        made = build(*starts, *args[count:], name=name, **options)
        ys = list(made) if isinstance(made, tuple) else [made]
        for i, y in enumerate(ys):
            if y in starts:
                ys[i] = op.Identity(y, name=f"{name}.y{i or ''}")
        body.inputs, body.results = keys, [y.name for y in ys]
        label = graph.local(name)
        for key, weight in body.weights.items():
            graph.weights[graph.free(f"{label}.{key}")] = weight
        inputs = [x.name for x in xs]
        inputs += [f"{label}.{key}" for key in body.weights]
        names = [f"{label}.{i}" if i else label for i in range(len(ys))]
        ends = [graph.free(end) for end in names]
        kind = build.__name__
        node = helper.make_node(kind, inputs, ends, label, domain=DOMAIN)
        graph.nodes.append(node)
        graph.calls += [*body.calls, (node, body)]
        types = zip(ends, ys, strict=True)
        values = tuple(Value(graph, end, y.type) for end, y in types)
        return values if len(values) > 1 else values[0]

    return call


def functions(calls: list[tuple]) -> list[onnx.FunctionProto]:
    """One for each kind of block: a block with other nodes is another kind."""
    kinds: dict[str, dict[str, list[tuple]]] = {}
    for node, body in calls:
        shown = [*body.inputs, *body.results, *body.weights]
        for step in body.nodes:
            said = [own.name for own in step.attribute]
            shown += [step.op_type, *step.input, *step.output, *said, "|"]
        same = kinds.setdefault(node.op_type, {})
        alike = same.setdefault(" ".join(shown), [])
        alike.append((node, body))
        number = [*same.values()].index(alike) + 1
        node.op_type += f"_{number}" if number > 1 else ""
    found = [alike for same in kinds.values() for alike in same.values()]
    found.sort(key=lambda alike: len(alike[0][1].calls))  # inner ones first
    return [function(alike) for alike in found]


def function(calls: list[tuple]) -> onnx.FunctionProto:
    """The function of some calls: what they differ in are its attributes."""
    (node, body), names = calls[0], dict[tuple[bytes, ...], str]()
    for i, step in enumerate(body.nodes):
        for j, own in enumerate(step.attribute):
            said = [other.nodes[i].attribute[j] for _, other in calls]
            values = tuple(one.SerializeToString() for one in said)
            if len(set(values)) == 1:
                continue
            if values not in names:
                called, count = own.name, 1
                while called in names.values():
                    count += 1
                    called = f"{own.name}_{count}"
                names[values] = called
                for (call, _), one in zip(calls, said, strict=True):
                    call.attribute.add().CopyFrom(one)
                    call.attribute[-1].name = names[values]
            told = onnx.AttributeProto(name=own.name, type=own.type)
            told.ref_attr_name = names[values]
            own.CopyFrom(told)
    inputs = [*body.inputs, *body.weights]
    how = (DOMAIN, node.op_type, inputs, body.results, body.nodes, OPSETS)
    return helper.make_function(*how, [*names.values()])


def model(name: str, inputs: list[Value], outputs: list[Value]) -> onnx.ModelProto:
    """A graph from its inputs to its outputs, with the functions it calls."""
    graph, info = inputs[0].graph, helper.make_value_info
    blocks = functions(graph.calls)  # completes the nodes that call them
    array, given = numpy_helper.from_array, graph.weights.items()
    weights = [array(weight, key) for key, weight in given]
    starts = [info(x.name, x.type) for x in inputs]
    ends = [info(y.name, y.type) for y in outputs]
    made = helper.make_graph(graph.nodes, name, starts, ends, weights)
    how = {"functions": blocks, "opset_imports": OPSETS, "doc_string": __doc__}
    return helper.make_model(made, ir_version=10, **how)


class Again:
    """A block in which the steps of a name get the weights of the first ones, and no others."""

    def __init__(self, x: Value, first: str, name: str) -> None:
        self.graph, self.first, self.name = x.graph, x.graph.local(first), x.graph.local(name)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *error: object) -> None:
        weights = self.graph.weights
        for own in [key for key in weights if f"{key}.".startswith(f"{self.name}.")]:
            first = self.first + own.removeprefix(self.name)
            if weights.pop(own).shape != weights[first].shape:
                raise ValueError(f"the weights of {self.first} do not fit {self.name}")
            for node in self.graph.nodes:
                node.input[:] = [first if key == own else key for key in node.input]


def weights(x: Value, name: str, shape: Sequence[int], start: Any, bias: int) -> list:
    """A tensor, and zeros for a bias of a length, if it has one."""
    made = [x.graph.weight(f"{name}.weight", shape, start)]
    if bias:
        made.append(x.graph.weight(f"{name}.bias", (bias,), 0.0))
    return made


def conv(
    x: Value,
    channels: int,
    kernel: list[int],
    group: int = 1,
    bias: bool = False,
    *,
    name: str,
    **attributes: Any,
) -> Value:
    shape = (channels, x.shape[1] // group, *kernel)
    given = weights(x, name, shape, conv_init, channels if bias else 0)
    return op.Conv(x, *given, group=group, name=name, **attributes)


def std_conv(
    x: Value,
    channels: int,
    kernel: list[int],
    group: int = 1,
    bias: bool = False,
    epsilon: float = 1e-6,
    gain: bool = False,
    gamma: float = 1.0,
    *,
    name: str,
    **attributes: Any,
) -> Value:
    """By weights of mean 0 and variance 1 for each output (Qiao et al. 2019, Brock et al. 2021)."""
    shape, axes = (channels, x.shape[1] // group, *kernel), [1, 2, 3]
    weight, *shift = weights(x, name, shape, conv_init, channels if bias else 0)
    mean = op.ReduceMean(weight, axes, name=f"{name}.mean")
    weight = op.Sub(weight, mean, name=f"{name}.centred")
    square = op.Mul(weight, weight, name=f"{name}.square")
    variance = op.ReduceMean(square, axes, name=f"{name}.variance")
    variance = op.Add(variance, epsilon, name=f"{name}.epsilon")
    weight = op.Div(weight, op.Sqrt(variance, name=f"{name}.deviation"), name=f"{name}.normal")
    if gain:
        factor = x.graph.weight(f"{name}.gain", (channels, 1, 1, 1), 1.0)
        scale = gamma / (shape[1] * kernel[0] * kernel[1]) ** 0.5
        factor = op.Mul(factor, scale, name=f"{name}.factor")
        weight = op.Mul(weight, factor, name=f"{name}.scaled")
    return op.Conv(x, weight, *shift, group=group, name=name, **attributes)


def conv_transpose(
    x: Value,
    channels: int,
    kernel: list[int],
    group: int = 1,
    bias: bool = False,
    *,
    name: str,
    **attributes: Any,
) -> Value:
    shape = (x.shape[1], channels // group, *kernel)
    given = weights(x, name, shape, conv_init, channels if bias else 0)
    return op.ConvTranspose(x, *given, group=group, name=name, **attributes)


def linear(x: Value, features: int, bias: bool = True, *, name: str) -> Value:
    """Of a vector, or at each position of a map whose channels are last."""
    shape, length = (features, x.shape[-1]), features if bias else 0
    weight, *shift = weights(x, name, shape, linear_init, length)
    if len(x.shape) == 2:
        return op.Gemm(x, weight, *shift, transB=1, name=name)
    weight = op.Transpose(weight, perm=[1, 0], name=f"{name}.transposed")
    y = op.MatMul(x, weight, name=f"{name}.product" if bias else name)
    return op.Add(y, *shift, name=name) if bias else y


def batch_norm(x: Value, *, name: str, **attributes: Any) -> Value:
    shape, graph = (x.shape[1],), x.graph
    given = weights(x, name, shape, 1.0, *shape)
    given.append(graph.weight(f"{name}.running_mean", shape, 0.0))
    given.append(graph.weight(f"{name}.running_var", shape, 1.0))
    return op.BatchNormalization(x, *given, name=name, **attributes)


def layer_norm(x: Value, axis: int = -1, epsilon: float = 1e-5, *, name: str) -> Value:
    """Over the channels, which the operator wants last."""
    size = x.shape[axis]
    given, how = weights(x, name, (size,), 1.0, size), {"epsilon": epsilon}
    if axis == -1 or len(x.shape) == 2:
        return op.LayerNormalization(x, *given, name=name, **how)
    last = len(x.shape) - 1
    x = op.Transpose(x, perm=[0, *range(2, last + 1), 1], name=f"{name}.last")
    x = op.LayerNormalization(x, *given, name=f"{name}.normal", **how)
    return op.Transpose(x, perm=[0, last, *range(1, last)], name=name)


def group_norm(x: Value, num_groups: int, *, name: str, **attributes: Any) -> Value:
    given = weights(x, name, (x.shape[1],), 1.0, x.shape[1])
    how = {"num_groups": num_groups, "name": name, **attributes}
    y = op.GroupNormalization(x, *given, **how)
    return replace(y, type=x.type)  # which onnx does not infer


def instance_norm(x: Value, *, name: str, **attributes: Any) -> Value:
    given = weights(x, name, (x.shape[1],), 1.0, x.shape[1])
    return op.InstanceNormalization(x, *given, name=name, **attributes)


def layer_scale(x: Value, start: float, *, name: str) -> Value:
    """A learned factor for each channel (Touvron et al. 2021)."""
    shape = (x.shape[1], *[1 for _ in x.shape[2:]])
    return op.Mul(x, x.graph.weight(name, shape, start), name=name)


def prelu(x: Value, start: float, shared: bool = False, *, name: str) -> Value:
    """A learned slope for each channel, or a `shared` one (He et al. 2015)."""
    size = 1 if shared else x.shape[1]
    (slope,) = weights(x, name, (size,), start, 0)
    if len(x.shape) > 2:
        places = [*range(1, len(x.shape) - 1)]
        slope = op.Unsqueeze(slope, places, name=f"{name}.slope")
    return op.PRelu(x, slope, name=name)


def local_response_norm(
    x: Value,
    size: int,
    alpha: float,
    beta: float,
    k: float,
    *,
    name: str,
) -> Value:
    """By a pool, since LRN does not agree on an even `size` with anyone else."""
    channels, before, after = x.shape[1], size // 2, (size - 1) // 2
    y = op.Mul(x, x, name=f"{name}.squares")
    y = op.Reshape(y, [0, 1, channels, -1], name=f"{name}.column")
    window = {"kernel_shape": [size, 1], "pads": [before, 0, after, 0]}
    y = op.AveragePool(y, count_include_pad=1, name=f"{name}.mean", **window)
    y = op.Reshape(y, [0, *x.shape[1:]], name=f"{name}.map")
    y = op.Add(op.Mul(y, alpha, name=f"{name}.alpha"), k, name=f"{name}.k")
    return op.Div(x, op.Pow(y, beta, name=f"{name}.beta"), name=name)


def global_response_norm(x: Value, axis: int = -1, epsilon: float = 1e-6, *, name: str) -> Value:
    """Channels weighed by their norm over the map (Woo et al. 2023)."""
    size, places = x.shape[axis], [1, 2] if axis == -1 else [2, 3]
    scale, shift = weights(x, name, (size,), 0.0, size)
    if axis == 1:
        scale = op.Unsqueeze(scale, [1, 2], name=f"{name}.scale")
        shift = op.Unsqueeze(shift, [1, 2], name=f"{name}.shift")
    norm = op.ReduceL2(x, places, name=f"{name}.norm")
    mean = op.ReduceMean(norm, [axis], name=f"{name}.mean")
    mean = op.Add(mean, epsilon, name=f"{name}.epsilon")
    y = op.Mul(x, op.Div(norm, mean, name=f"{name}.share"), name=f"{name}.normal")
    y = op.Add(op.Mul(y, scale, name=f"{name}.scaled"), shift, name=f"{name}.shifted")
    return op.Add(x, y, name=name)


def channel_conv(x: Value, size: int, bias: bool = False, *, name: str) -> Value:
    """Along the channels of one pixel (Wang et al. 2020)."""
    given = weights(x, name, (1, 1, size), conv_init, 1 if bias else 0)
    y = op.Reshape(x, [0, 1, x.shape[1]], name=f"{name}.row")
    y = op.Conv(y, *given, pads=2 * [size // 2], name=f"{name}.conv")
    return op.Reshape(y, [0, *x.shape[1:]], name=name)


def split_softmax(x: Value, splits: int, groups: int = 1, *, name: str) -> Value:
    """Across equal parts of the channels (Li et al. 2019)."""
    y = op.Reshape(x, [0, groups, splits, -1], name=f"{name}.split")
    y = op.Softmax(y, axis=2, name=f"{name}.softmax")
    return op.Reshape(y, [0, *x.shape[1:]], name=name)


def crop(x: Value, sides: list[int], *, name: str) -> Value:
    """Without pixels of the border: `sides` are those before each axis, then those after."""
    axes = len(sides) // 2
    ends = [-n if n else np.iinfo(np.int32).max for n in sides[axes:]]
    return op.Slice(x, sides[:axes], ends, [*range(2, axes + 2)], name=name)


def unflatten(x: Value, size: list[int], *, name: str) -> Value:
    """A vector as maps of a size, in the order channels, rows, columns."""
    channels = x.shape[1] // (size[0] * size[1])
    return op.Reshape(x, [0, channels, *size], name=name)


def silu(x: Value, *, name: str) -> Value:
    return op.Mul(x, op.Sigmoid(x, name=f"{name}.sigmoid"), name=name)


def log_sigmoid(x: Value, *, name: str) -> Value:
    y = op.Softplus(op.Neg(x, name=f"{name}.turned"), name=f"{name}.softplus")
    return op.Neg(y, name=name)


def celu(x: Value, alpha: float, *, name: str) -> Value:
    """By Elu, since Celu is for float32 alone (Barron 2017)."""
    y = op.Elu(op.Div(x, alpha, name=f"{name}.narrow"), name=f"{name}.elu")
    return op.Mul(y, alpha, name=name)


def channel_shuffle(x: Value, groups: int, *, name: str) -> Value:
    """Interleaves groups of channels (Zhang et al. 2017)."""
    _, channels, height, width = x.shape
    split = [0, groups, channels // groups, height, width]
    y = op.Reshape(x, split, name=f"{name}.split")
    y = op.Transpose(y, perm=[0, 2, 1, 3, 4], name=f"{name}.swap")
    return op.Reshape(y, [0, channels, height, width], name=name)


def space_to_depth(x: Value, scale: int, *, name: str) -> Value:
    """Squares of pixels become channels, in the order of PyTorch's PixelUnshuffle."""
    _, channels, height, width = x.shape
    rows, columns, depth = height // scale, width // scale, channels * scale**2
    split = [0, channels, rows, scale, columns, scale]
    y = op.Reshape(x, split, name=f"{name}.split")
    y = op.Transpose(y, perm=[0, 1, 3, 5, 2, 4], name=f"{name}.swap")
    return op.Reshape(y, [0, depth, rows, columns], name=name)


def stochastic_depth(x: Value, rate: float, *, name: str) -> Value:
    """Drops samples in training, with a probability of `rate`; a graph has none."""
    return op.Identity(x, name=name)


def upsample_to(
    x: Value, size: Sequence[int], mode: str = "nearest", align_corners: bool = False, *, name: str
) -> Value:
    """Pixels are squares, of which the nearest is taken, or their centres are linked."""
    placed = "align_corners" if align_corners else "half_pixel"
    how = {"coordinate_transformation_mode": placed, "mode": "linear"}
    if mode == "nearest":
        how = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    axes = list(range(2, len(x.shape)))
    return op.Resize(x, None, None, np.array(size), axes=axes, name=name, **how)


def upsample(
    x: Value, scale: int, mode: str = "nearest", align_corners: bool = False, *, name: str
) -> Value:
    size = [scale * extent for extent in x.shape[2:]]
    return upsample_to(x, size, mode, align_corners, name=name)


def split(x: Value, count: int) -> list[Value]:
    """Equal shares of the channels."""
    name = f"{x.graph.name}.{x.name}.split"
    return op.Split(x, axis=1, num_outputs=count, name=name)


def cells(extent: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Of each cell of a grid the first pixel, and the one after its last: two columns."""
    ends = np.arange(count + 1)[:, None] * extent
    return ends[:-1] // count, -(-ends[1:] // count)


def adaptive_average_pool(x: Value, size: list[int], *, name: str) -> Value:
    """The mean of each cell of a grid: sums along each axis, then divided."""
    y, area, after = x, np.ones(()), np.prod(x.shape[2:])
    cuts = zip(x.shape[2:], size, strict=True)
    for axis, (extent, count) in enumerate(cuts, 2):
        starts, ends = cells(extent, count)
        seen, made = np.arange(extent), f"{name}.axis{axis}"
        inside = ((starts <= seen) & (seen < ends)).astype(x.graph.dtype)
        area = np.multiply.outer(area, inside.sum(axis=1))
        after = after // extent
        y = op.Reshape(y, [0, -1, extent, after], name=f"{made}.columns")
        y = op.MatMul(x.graph.given(f"{made}.cells", inside), y, name=f"{made}.sums")
    y = op.Reshape(y, [0, x.shape[1], *size], name=f"{name}.map")
    return op.Div(y, area.astype(x.graph.dtype), name=name)


def adaptive_max_pool(x: Value, size: list[int], *, name: str) -> Value:
    """The maximum of each cell; smaller ones have their last pixel more than once."""
    for axis, count in enumerate(size, 2):
        made = f"{name}.axis{axis}" if axis <= len(size) else name
        starts, ends = cells(x.shape[axis], count)
        seen = starts + np.arange((ends - starts).max())
        seen = np.minimum(seen, ends - 1)
        x = op.Gather(x, seen, axis=axis, name=f"{made}.cells")
        x = op.ReduceMax(x, [axis + 1], keepdims=0, name=made)
    return x
