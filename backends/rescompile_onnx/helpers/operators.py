"""Operations that are several operators of ONNX."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx_ir as ir
from onnxscript import OpBuilder


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
    kept = [1] * len(extents) if keepdims else []
    return op.Reshape(op.MatMul(values, weights), [0, channels - 1, *kept])


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
