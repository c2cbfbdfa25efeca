"""The reference semantics against PyTorch in float64, operation by operation."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from rescompile import ops
from rescompile.ops import OPS, Op, Shape
from rescompile.reference import MEANINGS, VJPS, Array, new_running_statistics

Rng = np.random.Generator
BOUND = 1e-12


@pytest.fixture
def torch() -> Any:
    return pytest.importorskip("torch", reason="compares with torch.nn.functional")


def a_map(rng: Rng, groups: int = 1, least: int = 1) -> Shape:
    height, width = (int(n) for n in rng.integers(least, least + 8, 2))
    return (groups * int(rng.integers(1, 4)), height, width)


def some(rng: Rng, groups: int = 1) -> Shape:
    """The shape of a map, or of a vector."""
    shape = a_map(rng, groups)
    return shape if rng.random() < 0.6 else shape[:1]


def pair(rng: Rng, low: int, high: int) -> tuple[int, int]:
    a, b = rng.integers(low, high + 1, 2)
    return int(a), int(b)


def a_conv(rng: Rng) -> tuple[Op, Shape]:
    groups = int(rng.integers(1, 4))
    shape = a_map(rng, groups, least=10)
    depthwise = rng.random() < 0.3
    groups = shape[0] if depthwise else groups
    op = ops.Conv(
        groups * int(rng.integers(1, 4)),
        kernel=pair(rng, 1, 4),
        stride=pair(rng, 1, 3),
        padding=(*pair(rng, 0, 3), *pair(rng, 0, 3)),
        dilation=pair(rng, 1, 3),
        groups=groups,
        bias=bool(rng.integers(2)),
    )
    return op, shape


def a_conv_transpose(rng: Rng) -> tuple[Op, Shape]:
    groups = int(rng.integers(1, 4))
    kernel, stride = pair(rng, 1, 5), pair(rng, 1, 4)
    op = ops.ConvTranspose(
        groups * int(rng.integers(1, 4)),
        kernel=kernel,
        stride=stride,
        padding=pair(rng, 0, 2),
        output_padding=(int(rng.integers(stride[0])), int(rng.integers(stride[1]))),
        groups=groups,
        bias=bool(rng.integers(2)),
    )
    return op, a_map(rng, groups, least=6)


def a_pool(kind: type[ops.Pool]) -> Callable[[Rng], tuple[Op, Shape]]:
    def draw(rng: Rng) -> tuple[Op, Shape]:
        kernel, ceil = pair(rng, 1, 5), bool(rng.integers(2))
        top, left = (int(rng.integers(0, k // 2 + 1)) for k in kernel)
        bottom, right = top, left
        if not ceil:
            bottom, right = (int(rng.integers(0, k // 2 + 1)) for k in kernel)
        more = {"count_include_pad": bool(rng.integers(2))} if kind is ops.AvgPool else {}
        sides: Any = (top, bottom, left, right)
        if not ceil and rng.integers(3) == 0:
            sides = ops.Same.SAME
        op = kind(kernel, pair(rng, 1, 4), sides, ceil, **more)
        return op, a_map(rng, least=5)

    return draw


def a_slice(rng: Rng) -> tuple[Op, Shape]:
    shape = some(rng, 3)
    start = int(rng.integers(0, shape[0]))
    return ops.SliceChannels(start, int(rng.integers(start + 1, shape[0] + 1))), shape


def a_space_to_depth(rng: Rng) -> tuple[Op, Shape]:
    scale = int(rng.integers(1, 4))
    channels, rows, columns = a_map(rng)
    return ops.SpaceToDepth(scale), (channels, rows * scale, columns * scale)


def a_split_softmax(rng: Rng) -> tuple[Op, Shape]:
    splits, groups = pair(rng, 1, 4)
    return ops.SplitSoftmax(splits, groups), some(rng, splits * groups)


def an_unflatten(rng: Rng) -> tuple[Op, Shape]:
    rows, columns = pair(rng, 1, 4)
    return ops.Unflatten((rows, columns)), (rows * columns * int(rng.integers(1, 4)),)


def a_pad(rng: Rng) -> tuple[Op, Shape]:
    sides = (*pair(rng, 0, 3), *pair(rng, 0, 3))
    return ops.Pad(sides, list(ops.PadMode)[rng.integers(2)]), a_map(rng, least=4)


def a_crop(rng: Rng) -> tuple[Op, Shape]:
    return ops.Crop((*pair(rng, 0, 1), *pair(rng, 0, 1))), a_map(rng, least=4)


def a_linear(rng: Rng) -> tuple[Op, Shape]:
    positions = bool(rng.integers(2))
    op = ops.Linear(3, bool(rng.integers(2)), positions)
    return op, a_map(rng) if positions else some(rng)[:1]


def elementwise(kind: type[Op]) -> Callable[[Rng], tuple[Op, Shape]]:
    return lambda rng: (kind(), some(rng))


def grouped(kind: Any, draw: Callable[[Rng, int], Shape]) -> Callable[[Rng], tuple[Op, Shape]]:
    def with_groups(rng: Rng) -> tuple[Op, Shape]:
        groups = int(rng.integers(1, 5))
        return kind(groups), draw(rng, groups)

    return with_groups


def a_std_conv(rng: Rng) -> tuple[Op, Shape]:
    conv, shape = a_conv(rng)
    while conv.parameters(shape)[0].shape[1:] == (1, 1, 1):  # one weight varies by nothing
        conv, shape = a_conv(rng)
    gain = bool(rng.integers(2))
    given = {field.name: getattr(conv, field.name) for field in dataclasses.fields(conv)}
    gamma = float(rng.uniform(0.5, 2.0)) if gain else 1.0
    return ops.StdConv(**given, epsilon=10.0 ** -rng.integers(3, 7), gain=gain, gamma=gamma), shape


def resampling(rng: Rng) -> tuple[ops.Resampling, bool]:
    ways = [(ops.Resampling.NEAREST, False)]
    ways += [(ops.Resampling.BILINEAR, align) for align in (False, True)]
    return ways[rng.integers(3)]


def upsample_to(rng: Rng) -> tuple[Op, Shape]:
    """To a size that is a multiple of the map's, where pixels are repeated, or to any."""
    (c, *extents), (mode, align) = a_map(rng), resampling(rng)
    more = rng.integers(1, 4, 2) if mode is ops.Resampling.NEAREST else rng.integers(0, 9, 2)
    sizes = zip(extents, more, strict=True)
    h, w = (int(n * m if mode is ops.Resampling.NEAREST else n + m) for n, m in sizes)
    return ops.UpsampleTo("a", mode, align, (h, w)), (c, *extents)


CASES: dict[type[Op], Callable[[Rng], tuple[Op, Shape]]] = {
    **{kind: elementwise(kind) for kind in ops.ACTIVATIONS.values()},
    ops.Conv: a_conv,
    ops.StdConv: a_std_conv,
    ops.ConvTranspose: a_conv_transpose,
    ops.Linear: a_linear,
    ops.BatchNorm: lambda rng: (ops.BatchNorm(10.0 ** -rng.integers(2, 7)), some(rng)),
    ops.LayerNorm: lambda rng: (ops.LayerNorm(10.0 ** -rng.integers(2, 7)), some(rng, 2)),
    ops.GroupNorm: grouped(ops.GroupNorm, a_map),
    # PyTorch has 1 / alpha in float32 in the derivative: these are exact there.
    ops.Celu: lambda rng: (ops.Celu(2.0 ** rng.integers(-2, 3)), some(rng)),
    ops.InstanceNorm: lambda rng: (
        ops.InstanceNorm(10.0 ** -rng.integers(2, 7)),
        a_map(rng, least=2),
    ),
    ops.Prelu: lambda rng: (ops.Prelu(bool(rng.integers(2))), some(rng)),
    ops.LeakyRelu: lambda rng: (ops.LeakyRelu(float(rng.random())), some(rng)),
    ops.MaxPool: a_pool(ops.MaxPool),
    ops.AvgPool: a_pool(ops.AvgPool),
    ops.AdaptiveAvgPool: lambda rng: (ops.AdaptiveAvgPool(pair(rng, 1, 9)), a_map(rng)),
    ops.AdaptiveMaxPool: lambda rng: (ops.AdaptiveMaxPool(pair(rng, 1, 9)), a_map(rng)),
    ops.GlobalAvgPool: lambda rng: (ops.GlobalAvgPool(bool(rng.integers(2))), a_map(rng)),
    ops.GlobalMaxPool: lambda rng: (ops.GlobalMaxPool(bool(rng.integers(2))), a_map(rng)),
    ops.GlobalAttentionPool: lambda rng: (
        ops.GlobalAttentionPool(bool(rng.integers(2))),
        a_map(rng, 2),
    ),
    ops.Unflatten: an_unflatten,
    ops.Flatten: lambda rng: (ops.Flatten(), some(rng)),
    ops.Dropout: lambda rng: (ops.Dropout(0.5), some(rng)),
    ops.StochasticDepth: lambda rng: (ops.StochasticDepth(0.5), a_map(rng)),
    ops.LayerScale: lambda rng: (ops.LayerScale(shared=bool(rng.integers(2))), some(rng)),
    ops.Scale: lambda rng: (ops.Scale(float(rng.standard_normal())), some(rng)),
    ops.Pad: a_pad,
    ops.Crop: a_crop,
    ops.PadChannels: lambda rng: (ops.PadChannels(*pair(rng, 0, 3)), a_map(rng)),
    ops.SliceChannels: a_slice,
    ops.ChannelShuffle: grouped(ops.ChannelShuffle, a_map),
    ops.Permute: lambda rng: (ops.Permute(bool(rng.integers(2))), a_map(rng)),
    ops.DepthToSpace: lambda rng: (
        ops.DepthToSpace(scale := int(rng.integers(1, 4))),
        a_map(rng, scale * scale),
    ),
    ops.SpaceToDepth: a_space_to_depth,
    ops.SplitSoftmax: a_split_softmax,
    ops.ChannelMean: lambda rng: (ops.ChannelMean(), a_map(rng)),
    ops.ChannelMax: lambda rng: (ops.ChannelMax(), a_map(rng)),
    ops.ChannelConv: lambda rng: (
        ops.ChannelConv(2 * int(rng.integers(3)) + 1, bool(rng.integers(2))),
        (int(rng.integers(1, 9)), *(1, 1)[: 2 * int(rng.integers(2))]),
    ),
    ops.LocalResponseNorm: lambda rng: (
        ops.LocalResponseNorm(int(rng.integers(1, 6)), *rng.uniform(0.1, 2.0, 3).tolist()),
        a_map(rng, 2),
    ),
    ops.L2Norm: lambda rng: (ops.L2Norm(10.0 ** -rng.integers(0, 7)), a_map(rng, 2)),
    ops.GlobalResponseNorm: lambda rng: (
        ops.GlobalResponseNorm(10.0 ** -rng.integers(2, 7)),
        a_map(rng),
    ),
    ops.Upsample: lambda rng: (
        ops.Upsample(int(rng.integers(1, 5)), *resampling(rng)),
        a_map(rng),
    ),
    ops.UpsampleTo: upsample_to,
}


def torch_padded(t: Any, x: Any, padding: Any, fill: float = 0.0, mode: str = "constant") -> Any:
    top, bottom, left, right = padding
    return t.nn.functional.pad(x, (left, right, top, bottom), mode, fill)


def torch_std_conv(t: Any, op: Any, x: Any, p: Any) -> Any:
    """As timm has it: batch normalisation of the weights, an output channel a feature."""
    weight, fan_in = p["weight"], p["weight"][0].numel()
    factor = (p["gain"] * op.gamma / fan_in**0.5).flatten() if op.gain else None
    flat = weight.reshape(1, len(weight), -1)
    normal = t.nn.functional.batch_norm(flat, None, None, factor, None, True, 0.0, op.epsilon)
    return torch_conv(t, op, x, {**p, "weight": normal.reshape(weight.shape)})


def torch_conv(t: Any, op: Any, x: Any, p: Any) -> Any:
    padded = torch_padded(t, x, op.padding)
    return t.conv2d(padded, p["weight"], p.get("bias"), op.stride, 0, op.dilation, op.groups)


def torch_conv_transpose(t: Any, op: Any, x: Any, p: Any) -> Any:
    given = (op.stride, op.padding, op.output_padding, op.groups)
    return t.nn.functional.conv_transpose2d(x, p["weight"], p.get("bias"), *given)


def torch_linear(t: Any, op: Any, x: Any, p: Any) -> Any:
    return t.nn.functional.linear(x.movedim(1, -1), p["weight"], p.get("bias")).movedim(-1, 1)


def sides_of(op: Any, x: Any) -> tuple[int, ...]:
    """The padding of a pool; TensorFlow's is as its guide to convolutions has it."""
    if op.padding is not ops.Same.SAME:
        return tuple(op.padding)
    made: list[int] = []
    for n, kernel, stride in zip(x.shape[2:], op.kernel, op.stride, strict=True):
        along = max(kernel - (n % stride or stride), 0)
        made += [along // 2, along - along // 2]
    return tuple(made)


def torch_max_pool(t: Any, op: Any, x: Any, p: Any) -> Any:
    pool = t.nn.functional.max_pool2d
    if op.ceil_mode:
        return pool(x, op.kernel, op.stride, op.padding[::2], ceil_mode=True)
    return pool(torch_padded(t, x, sides_of(op, x), -np.inf), op.kernel, op.stride)


def torch_avg_pool(t: Any, op: Any, x: Any, p: Any) -> Any:
    pool = t.nn.functional.avg_pool2d
    sides = sides_of(op, x)
    if op.ceil_mode or sides[::2] == sides[1::2]:
        include = op.count_include_pad
        return pool(x, op.kernel, op.stride, sides[::2], op.ceil_mode, include)
    counted = torch_padded(t, t.ones_like(x), sides, float(op.count_include_pad))
    total = pool(torch_padded(t, x, sides), op.kernel, op.stride)
    return total / pool(counted, op.kernel, op.stride)


def torch_batch_norm(t: Any, op: Any, x: Any, p: Any) -> Any:
    stats = (p["running_mean"], p["running_var"], p["weight"], p["bias"])
    return t.nn.functional.batch_norm(x, *stats, False, op.momentum, op.epsilon)


def torch_layer_norm(t: Any, op: Any, x: Any, p: Any) -> Any:
    last, shape = x.movedim(1, -1), x.shape[1:2]
    return t.layer_norm(last, shape, p["weight"], p["bias"], op.epsilon).movedim(-1, 1)


def torch_upsample(t: Any, op: Any, x: Any, p: Any) -> Any:
    bilinear = op.mode is ops.Resampling.BILINEAR
    more: dict[str, Any] = {"align_corners": op.align_corners} if bilinear else {}
    more |= {"size": op.extents} if isinstance(op, ops.UpsampleTo) else {"scale_factor": op.scale}
    return t.nn.functional.interpolate(x, mode=op.mode.value, **more)


def torch_global_response_norm(t: Any, op: Any, x: Any, p: Any) -> Any:
    norm = x.norm(p=2, dim=(2, 3), keepdim=True)
    share = norm / (norm.mean(1, keepdim=True) + op.epsilon)
    weight, bias = (p[leaf][:, None, None] for leaf in ("weight", "bias"))
    return x + bias + weight * x * share


THEIRS: dict[type[Op], Callable[[Any, Any, Any, Any], Any]] = {
    ops.Conv: torch_conv,
    ops.StdConv: torch_std_conv,
    ops.ConvTranspose: torch_conv_transpose,
    ops.Linear: torch_linear,
    ops.BatchNorm: torch_batch_norm,
    ops.LayerNorm: torch_layer_norm,
    ops.GroupNorm: lambda t, op, x, p: t.group_norm(
        x, op.groups, p["weight"], p["bias"], op.epsilon
    ),
    ops.InstanceNorm: lambda t, op, x, p: t.nn.functional.instance_norm(
        x, weight=p["weight"], bias=p["bias"], eps=op.epsilon
    ),
    ops.Relu: lambda t, op, x, p: t.relu(x),
    ops.Relu6: lambda t, op, x, p: t.nn.functional.relu6(x),
    ops.LeakyRelu: lambda t, op, x, p: t.nn.functional.leaky_relu(x, op.slope),
    ops.Prelu: lambda t, op, x, p: t.nn.functional.prelu(x, p["weight"]),
    ops.Sigmoid: lambda t, op, x, p: t.sigmoid(x),
    ops.HardSigmoid: lambda t, op, x, p: t.nn.functional.hardsigmoid(x),
    ops.Tanh: lambda t, op, x, p: t.tanh(x),
    ops.Silu: lambda t, op, x, p: t.nn.functional.silu(x),
    ops.HardSwish: lambda t, op, x, p: t.nn.functional.hardswish(x),
    ops.Gelu: lambda t, op, x, p: t.nn.functional.gelu(x),
    ops.Elu: lambda t, op, x, p: t.nn.functional.elu(x),
    ops.Celu: lambda t, op, x, p: t.nn.functional.celu(x, op.alpha),
    ops.Selu: lambda t, op, x, p: t.nn.functional.selu(x),
    ops.Softplus: lambda t, op, x, p: t.nn.functional.softplus(x, threshold=40),
    ops.Softsign: lambda t, op, x, p: t.nn.functional.softsign(x),
    ops.Mish: lambda t, op, x, p: t.nn.functional.mish(x),
    ops.LogSigmoid: lambda t, op, x, p: t.nn.functional.logsigmoid(x),
    ops.HardTanh: lambda t, op, x, p: t.nn.functional.hardtanh(x),
    ops.HardShrink: lambda t, op, x, p: t.nn.functional.hardshrink(x, op.threshold),
    ops.SoftShrink: lambda t, op, x, p: t.nn.functional.softshrink(x, op.threshold),
    ops.TanhShrink: lambda t, op, x, p: t.nn.functional.tanhshrink(x),
    ops.Threshold: lambda t, op, x, p: t.nn.functional.threshold(x, op.threshold, op.value),
    ops.Softmax: lambda t, op, x, p: t.softmax(x, 1),
    ops.LogSoftmax: lambda t, op, x, p: t.log_softmax(x, 1),
    ops.MaxPool: torch_max_pool,
    ops.AvgPool: torch_avg_pool,
    ops.AdaptiveAvgPool: lambda t, op, x, p: t.nn.functional.adaptive_avg_pool2d(x, op.size),
    ops.AdaptiveMaxPool: lambda t, op, x, p: t.nn.functional.adaptive_max_pool2d(x, op.size),
    ops.GlobalAvgPool: lambda t, op, x, p: x.mean((2, 3), keepdim=op.keepdims),
    ops.GlobalMaxPool: lambda t, op, x, p: (
        x.flatten(2).max(2).values.reshape(*x.shape[:2], *(1, 1)[: 2 * op.keepdims])
    ),
    ops.GlobalAttentionPool: lambda t, op, x, p: t.einsum(
        "ncp,np->nc", x[:, :-1].flatten(2), x[:, -1].flatten(1).softmax(1)
    ).reshape(len(x), -1, *(1, 1)[: 2 * op.keepdims]),
    ops.Unflatten: lambda t, op, x, p: x.unflatten(1, (-1, *op.size)),
    ops.Flatten: lambda t, op, x, p: x.flatten(1),
    ops.Dropout: lambda t, op, x, p: t.nn.functional.dropout(x, op.rate, training=False),
    ops.StochasticDepth: lambda t, op, x, p: x,
    ops.LayerScale: lambda t, op, x, p: x * p[""],
    ops.Scale: lambda t, op, x, p: x * op.factor,
    ops.Pad: lambda t, op, x, p: torch_padded(t, x, op.padding, mode=op.mode.value),
    ops.Crop: lambda t, op, x, p: torch_padded(t, x, [-side for side in op.cropping]),
    ops.PadChannels: lambda t, op, x, p: t.nn.functional.pad(x, (0, 0, 0, 0, op.before, op.after)),
    ops.SliceChannels: lambda t, op, x, p: x[:, op.start : op.stop],
    ops.ChannelShuffle: lambda t, op, x, p: t.nn.functional.channel_shuffle(x, op.groups),
    ops.Permute: lambda t, op, x, p: x,  # seen channels-first throughout
    ops.DepthToSpace: lambda t, op, x, p: t.nn.functional.pixel_shuffle(x, op.scale),
    ops.SpaceToDepth: lambda t, op, x, p: t.nn.functional.pixel_unshuffle(x, op.scale),
    ops.SplitSoftmax: lambda t, op, x, p: t.cat(
        [
            t.stack(group.chunk(op.splits, 1)).softmax(0).transpose(0, 1).flatten(1, 2)
            for group in x.chunk(op.groups, 1)
        ],
        1,
    ),
    ops.ChannelMean: lambda t, op, x, p: x.mean(1, keepdim=True),
    ops.ChannelMax: lambda t, op, x, p: x.amax(1, keepdim=True),
    ops.ChannelConv: lambda t, op, x, p: t.conv1d(
        x.flatten(1)[:, None], p["weight"], p.get("bias"), padding=op.size // 2
    ).reshape(x.shape),
    ops.LocalResponseNorm: lambda t, op, x, p: t.nn.functional.local_response_norm(
        x, op.size, op.alpha, op.beta, op.k
    ),
    ops.L2Norm: lambda t, op, x, p: t.nn.functional.normalize(x, dim=1, eps=op.epsilon),
    ops.GlobalResponseNorm: torch_global_response_norm,
    ops.Upsample: torch_upsample,
    ops.UpsampleTo: torch_upsample,
}


def drawn(rng: Rng, op: Op, shape: Shape) -> tuple[Array, dict[str, Array]]:
    """An input (N, *shape), and the operation's parameters by leaf."""
    x = 3.0 * rng.standard_normal((int(rng.integers(2, 4)), *shape))
    p = {given.leaf: rng.standard_normal(given.shape) for given in op.parameters(shape)}
    if "running_var" in p:
        p["running_var"] = rng.uniform(0.5, 1.5, p["running_var"].shape)
    return x, p


def close(ours: Array, theirs: Any) -> None:
    wanted = theirs.numpy()
    assert ours.shape == wanted.shape
    assert ours.dtype == np.float64
    assert np.abs(ours - wanted).max() <= BOUND * np.abs(wanted).max()


def test_every_operation_has_a_meaning_and_is_compared() -> None:
    assert set(MEANINGS) == set(CASES) == set(THEIRS) == set(OPS)
    assert len(set(OPS)) == len(OPS)


@pytest.mark.parametrize("kind", OPS, ids=lambda kind: kind.word)
@pytest.mark.parametrize("seed", range(3))
def test_agrees_with_torch(kind: type[Op], seed: int, torch: Any) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(40):
        op, shape = CASES[kind](rng)
        x, p = drawn(rng, op, shape)
        theirs = THEIRS[kind](
            torch, op, torch.from_numpy(x), {leaf: torch.from_numpy(v) for leaf, v in p.items()}
        )
        ours = MEANINGS[kind](op, x, p, False)
        assert op.output(shape) == tuple(theirs.shape[1:]), (op, shape)
        close(ours, theirs)


# PyTorch 2.13 has the constant 1/6 of this derivative in float32: see the test by hand below.
COARSE = {ops.HardSigmoid}


@pytest.mark.parametrize("kind", [k for k in OPS if k not in COARSE], ids=lambda kind: kind.word)
def test_derivatives_agree_with_torch(kind: type[Op], torch: Any) -> None:
    assert set(VJPS) == set(OPS)
    rng = np.random.default_rng(0)
    for _ in range(40):
        op, shape = CASES[kind](rng)
        x, p = drawn(rng, op, shape)
        given = {"": x, **{f"p{leaf}": v for leaf, v in p.items() if "running" not in leaf}}
        fixed = {leaf: torch.from_numpy(v) for leaf, v in p.items() if "running" in leaf}
        t = {key: torch.from_numpy(v.copy()).requires_grad_() for key, v in given.items()}
        tensors = {key[1:]: v for key, v in t.items() if key}
        y = THEIRS[kind](torch, op, t[""], {**fixed, **tensors})
        dy = rng.standard_normal(tuple(y.shape))
        theirs = torch.autograd.grad(y, list(t.values()), torch.from_numpy(dy))
        dx, dp = VJPS[kind](op, x, MEANINGS[kind](op, x, p, False), p, dy, False)
        assert {"": dx, **{f"p{leaf}": v for leaf, v in dp.items()}}.keys() == t.keys()
        for ours, wanted in zip([dx, *(dp[k[1:]] for k in t if k)], theirs, strict=True):
            assert ours.shape == tuple(wanted.shape)
            # A gradient that cancels to (nearly) nothing is as inexact as what it is made of.
            scale = max(np.abs(wanted.numpy()).max(), 1e-2 * np.abs(dy).max())
            assert np.abs(ours - wanted.numpy()).max() <= 10 * BOUND * scale


def test_the_derivative_of_hard_sigmoid_by_hand() -> None:
    x = np.array([[-4.0, -2.0, 0.0, 2.0, 4.0]])
    dx, _ = VJPS[ops.HardSigmoid](ops.HardSigmoid(), x, x, {}, np.ones_like(x), False)
    assert dx.tolist() == [[0.0, 1 / 6, 1 / 6, 1 / 6, 0.0]]


@pytest.mark.parametrize("seed", range(40))
def test_the_derivative_of_batch_norm_in_training_agrees_with_torch(seed: int, torch: Any) -> None:
    rng = np.random.default_rng(seed)
    op = ops.BatchNorm()
    x, p = drawn(rng, op, a_map(rng, least=3))
    t = {leaf: torch.from_numpy(v.copy()) for leaf, v in {"x": x, **p}.items()}
    trained = [t[leaf].requires_grad_() for leaf in ("x", "weight", "bias")]
    y = torch.nn.functional.batch_norm(
        t["x"], t["running_mean"], t["running_var"], *trained[1:], True, op.momentum, op.epsilon
    )
    dy = rng.standard_normal(tuple(y.shape))
    theirs = torch.autograd.grad(y, trained, torch.from_numpy(dy))
    dx, dp = VJPS[ops.BatchNorm](op, x, y.detach().numpy(), p, dy, True)
    for ours, wanted in zip((dx, dp["weight"], dp["bias"]), theirs, strict=True):
        close(ours, wanted)


@pytest.mark.parametrize("seed", range(40))
def test_batch_norm_in_training_agrees_with_torch(seed: int, torch: Any) -> None:
    rng = np.random.default_rng(seed)
    op = ops.BatchNorm(momentum=float(rng.uniform(0.01, 1)))
    x, p = drawn(rng, op, some(rng))
    t = {leaf: torch.from_numpy(v.copy()) for leaf, v in p.items()}
    theirs = torch.nn.functional.batch_norm(
        torch.from_numpy(x), *(t[k] for k in p if "run" in k), t["weight"], t["bias"], True,
        op.momentum, op.epsilon,
    )  # fmt: skip
    close(MEANINGS[ops.BatchNorm](op, x, p, True), theirs)
    new = new_running_statistics(op, x, p)
    assert set(new) == {"running_mean", "running_var"}
    for leaf, value in new.items():
        close(value, t[leaf])


@pytest.mark.filterwarnings("ignore:Using padding=")
@pytest.mark.parametrize("seed", range(20))
def test_same_padding_agrees_with_torch_at_stride_one(seed: int, torch: Any) -> None:
    rng = np.random.default_rng(seed)
    kernel, dilation = pair(rng, 1, 5), pair(rng, 1, 3)
    op = ops.Conv(2, kernel, (1, 1), ops.Same.SAME, dilation)
    x, p = drawn(rng, op, a_map(rng))
    weight = torch.from_numpy(p["weight"])
    theirs = torch.conv2d(torch.from_numpy(x), weight, None, 1, "same", dilation)
    close(MEANINGS[ops.Conv](op, x, p, False), theirs)
