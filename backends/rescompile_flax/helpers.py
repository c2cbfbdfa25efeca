"""What emitted files define themselves, since Flax has none, or none like it."""

from functools import partial

import jax
import jax.numpy as jnp
from flax import nnx


class Apply(partial[jax.Array]):
    """A function with its options, equal to any that does the same.

    JAX compares models by such attributes, and two partials are never equal.
    """

    @property
    def key(self) -> tuple[object, ...]:
        return self.func, self.args, tuple(sorted(self.keywords.items()))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Apply) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)


class ChannelConv(nnx.Conv):
    """A convolution over the channels of one pixel (Wang et al. 2020)."""

    def __init__(
        self, size: int, *, use_bias: bool = True, kernel_init: nnx.Initializer, rngs: nnx.Rngs
    ) -> None:
        super().__init__(1, 1, (size,), use_bias=use_bias, kernel_init=kernel_init, rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        return super().__call__(x.reshape(x.shape[0], -1, 1)).reshape(x.shape)


class GlobalResponseNorm(nnx.Module):
    """Channels weighed by their norm over the map (Woo et al. 2023)."""

    def __init__(self, num_features: int, *, epsilon: float = 1e-6, rngs: nnx.Rngs) -> None:
        self.epsilon = epsilon
        self.scale = nnx.Param(jnp.zeros(num_features))
        self.bias = nnx.Param(jnp.zeros(num_features))

    def __call__(self, x: jax.Array) -> jax.Array:
        total = jnp.sum(x * x, axis=(1, 2), keepdims=True)
        # The root has no slope at zero, which is taken for zero as in PyTorch.
        norm = jnp.where(total > 0, jnp.sqrt(jnp.where(total > 0, total, 1)), 0)
        share = norm / (norm.mean(-1, keepdims=True) + self.epsilon)
        return x + self.scale * (x * share) + self.bias


class GroupedConvTranspose(nnx.Module):
    """A transposed convolution in groups; its kernel has the outputs of one group."""

    def __init__(
        self,
        in_features: int,
        out_features: int,
        kernel_size: tuple[int, ...],
        strides: int | tuple[int, ...] = 1,
        *,
        padding: tuple[tuple[int, int], ...],
        groups: int,
        use_bias: bool = True,
        kernel_init: nnx.Initializer,
        rngs: nnx.Rngs,
    ) -> None:
        shape = (*kernel_size, out_features // groups, in_features)
        self.kernel = nnx.Param(kernel_init(rngs.params(), shape))
        self.bias = nnx.Param(jnp.zeros(out_features)) if use_bias else None
        self.strides = (strides,) * len(kernel_size) if isinstance(strides, int) else strides
        self.padding, self.groups = padding, groups

    def __call__(self, x: jax.Array) -> jax.Array:
        dtype = jnp.result_type(x, self.kernel[...])
        arrays = (x.astype(dtype), self.kernel.astype(dtype))
        parts = [jnp.split(array, self.groups, -1) for array in arrays]
        made = [
            jax.lax.conv_transpose(part, kernel, self.strides, self.padding, transpose_kernel=True)
            for part, kernel in zip(*parts, strict=True)
        ]
        x = jnp.concatenate(made, -1)
        return x if self.bias is None else x + self.bias


class PReLU(nnx.Module):
    """x where positive, else a learned factor times x (He et al. 2015); Flax's own has but one."""

    def __init__(
        self,
        num_features: int,
        *,
        negative_slope_init: float = 0.25,
        shared: bool = False,
        rngs: nnx.Rngs,
    ) -> None:
        self.negative_slope = nnx.Param(
            jnp.full(1 if shared else num_features, negative_slope_init, float)
        )

    def __call__(self, x: jax.Array) -> jax.Array:
        return jnp.where(x > 0, x, self.negative_slope * x)


class StdConv(nnx.Conv):
    """A convolution by weights of mean 0 and variance 1 for each output (Qiao et al. 2019).

    With gain they are scaled by gamma / sqrt(fan-in) and by a learned factor (Brock et al. 2021).
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        kernel_size: tuple[int, int],
        strides: int | tuple[int, int] = 1,
        *,
        padding: str | int | tuple[tuple[int, int], tuple[int, int]],
        kernel_dilation: int | tuple[int, int] = 1,
        feature_group_count: int = 1,
        use_bias: bool = True,
        epsilon: float = 1e-6,
        gain: bool = False,
        gamma: float = 1.0,
        kernel_init: nnx.Initializer,
        rngs: nnx.Rngs,
    ) -> None:
        super().__init__(
            in_features,
            out_features,
            kernel_size,
            strides,
            padding=padding,
            kernel_dilation=kernel_dilation,
            feature_group_count=feature_group_count,
            use_bias=use_bias,
            kernel_init=kernel_init,
            rngs=rngs,
        )
        self.epsilon = epsilon
        self.gain = nnx.Param(jnp.ones(out_features)) if gain else None
        self.scale = gamma / (self.kernel.size // out_features) ** 0.5 if gain else 1.0

    def __call__(self, x: jax.Array) -> jax.Array:
        kernel = self.kernel[...]
        mean, variance = kernel.mean((0, 1, 2)), kernel.var((0, 1, 2))
        kernel = (kernel - mean) / jnp.sqrt(variance + self.epsilon)
        if self.gain is not None:
            kernel = kernel * self.gain * self.scale
        x, kernel, bias = self.promote_dtype((x, kernel, self.bias), dtype=self.dtype)
        pads, strides, gaps = self.padding, self.strides, self.kernel_dilation
        x = jax.lax.conv_general_dilated(
            x,
            kernel,
            (strides, strides) if isinstance(strides, int) else strides,
            ((pads, pads), (pads, pads)) if isinstance(pads, int) else pads,
            rhs_dilation=(gaps, gaps) if isinstance(gaps, int) else gaps,
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
            feature_group_count=self.feature_group_count,
        )
        return x if bias is None else x + bias


class UnbiasedBatchNorm(nnx.BatchNorm):
    """Its running variance takes a batch's unbiased variance: n / (n - 1) times Flax's own."""

    def __call__(self, x: jax.Array) -> jax.Array:
        kept = self.momentum * self.var[...]
        y = super().__call__(x)
        if not self.use_running_average:
            n = x.size // x.shape[-1]
            self.var[...] = kept + (self.var[...] - kept) * (n / (n - 1))
        return y


def crop(x: jax.Array, cropping: tuple[tuple[int, int], ...]) -> jax.Array:
    """The map without some pixels before and after each axis."""
    for axis, (before, after) in enumerate(cropping, 1):
        x = jax.lax.slice_in_dim(x, before, x.shape[axis] - after, axis=axis)
    return x


def adaptive_avg_pool(x: jax.Array, output_size: tuple[int, ...]) -> jax.Array:
    """The mean of each cell of a grid over the map, whatever the size of the map."""
    for axis, count in enumerate(output_size, 1):
        n = x.shape[axis]
        starts = [i * n // count for i in range(count)]
        ends = [-(-(i + 1) * n // count) for i in range(count)]
        cells = zip(starts, ends, strict=True)
        parts = (jax.lax.slice_in_dim(x, *cell, axis=axis) for cell in cells)
        x = jnp.stack([part.mean(axis) for part in parts], axis)
    return x


def adaptive_max_pool(x: jax.Array, output_size: tuple[int, ...]) -> jax.Array:
    """The maximum of each cell of a grid over a map of any size.

    By pools: under jit, the gradient of jnp.max may compare with what was
    rounded otherwise.
    """
    for axis, count in enumerate(output_size, 1):
        n = x.shape[axis]
        starts = [i * n // count for i in range(count)]
        ends = [-(-(i + 1) * n // count) for i in range(count)]
        pooled = []
        for start, end in zip(starts, ends, strict=True):
            window = [1] * (x.ndim - 2)
            window[axis - 1] = end - start
            part = jax.lax.slice_in_dim(x, start, end, axis=axis)
            pooled.append(nnx.max_pool(part, tuple(window)))
        x = jnp.concatenate(pooled, axis)
    return x


def ceil_avg_pool(
    x: jax.Array,
    window_shape: tuple[int, ...],
    strides: tuple[int, ...],
    padding: tuple[tuple[int, int], ...],
    count_include_pad: bool = True,
) -> jax.Array:
    """Average pooling whose last window may reach over the edge; what is there never counts."""
    sides = []
    for i, (before, after) in enumerate(padding):
        more = after + (window_shape[i] - x.shape[i + 1] - before - after) % strides[i]
        more = more if more < window_shape[i] else after
        sides.append((0, more - after) if count_include_pad else (before, more))
    if count_include_pad:
        x = jnp.pad(x, ((0, 0), *padding, (0, 0)))
    y = nnx.avg_pool(x, window_shape, strides, sides, count_include_pad=False)
    return y.astype(x.dtype)


def ceil_max_pool(
    x: jax.Array,
    window_shape: tuple[int, ...],
    strides: tuple[int, ...],
    padding: tuple[tuple[int, int], ...],
) -> jax.Array:
    """Max-pooling whose last window may reach over the edge, unless all of it would."""
    sides = []
    for i, (before, after) in enumerate(padding):
        more = after + (window_shape[i] - x.shape[i + 1] - before - after) % strides[i]
        sides.append((before, more if more < window_shape[i] else after))
    return nnx.max_pool(x, window_shape, strides, sides)


def channel_max(x: jax.Array) -> jax.Array:
    """The greatest channel, by a pool: the gradient of jnp.max may be NaN under jit."""
    window = (*[1] * (x.ndim - 2), x.shape[-1])
    return nnx.max_pool(x[..., None], window)[..., 0]


def channel_shuffle(x: jax.Array, groups: int) -> jax.Array:
    """Interleaves groups of channels (Zhang et al. 2017)."""
    shape = (*x.shape[:-1], groups, x.shape[-1] // groups)
    return x.reshape(shape).swapaxes(-1, -2).reshape(x.shape)


def depth_to_space(x: jax.Array, scale: int) -> jax.Array:
    """Channels become squares of pixels, in PyTorch's order (Shi et al. 2016)."""
    n, height, width, channels = x.shape
    depth = channels // (scale * scale)
    x = x.reshape(n, height, width, depth, scale, scale).transpose(0, 1, 4, 2, 5, 3)
    return x.reshape(n, height * scale, width * scale, depth)


def global_max_pool(x: jax.Array, keepdims: bool = False) -> jax.Array:
    """The greatest pixel, by a pool: the gradient of jnp.max may be NaN under jit."""
    y = nnx.max_pool(x, x.shape[1:-1])
    return y if keepdims else y.reshape(x.shape[0], -1)


def flatten(x: jax.Array) -> jax.Array:
    """Each sample as a vector, channels first: in the order of PyTorch's weights."""
    return jnp.moveaxis(x, -1, 1).reshape(x.shape[0], -1)


def local_response_norm(
    x: jax.Array, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> jax.Array:
    """x / (k + alpha * mean) ** beta, of the squares of neighbouring channels."""
    around = ((0, 0), (0, 0), (size // 2, (size - 1) // 2))
    mean = nnx.avg_pool((x * x)[..., None], (1, 1, size), padding=around)[..., 0]
    return x / (k + alpha * mean) ** beta


def global_attention_pool(x: jax.Array, keepdims: bool = False) -> jax.Array:
    """The mean over all positions, weighed by the softmax of the last channel (Cao et al. 2019)."""
    places = tuple(range(1, x.ndim - 1))
    weights = nnx.softmax(x[..., -1:], axis=places)
    return jnp.sum(x[..., :-1] * weights, axis=places, keepdims=keepdims)


def hard_shrink(x: jax.Array, threshold: float = 0.5) -> jax.Array:
    """x where |x| is above the threshold, else 0."""
    return jnp.where(jnp.abs(x) > threshold, x, 0.0)


def soft_shrink(x: jax.Array, threshold: float = 0.5) -> jax.Array:
    """x nearer to zero by the threshold, and 0 where it would pass it."""
    return x - jnp.clip(x, -threshold, threshold)


def tanh_shrink(x: jax.Array) -> jax.Array:
    """x - tanh(x)."""
    return x - jnp.tanh(x)


def threshold(x: jax.Array, level: float = 0.5, value: float = 0.0) -> jax.Array:
    """x where it is above the level, else the value."""
    return jnp.where(x > level, x, value)


def l2_norm(x: jax.Array, epsilon: float = 1e-12) -> jax.Array:
    """x over its Euclidean norm along the channels, at each position."""
    squares = jnp.sum(x * x, axis=-1, keepdims=True)
    return x * jax.lax.rsqrt(jnp.maximum(squares, epsilon**2))


def space_to_depth(x: jax.Array, scale: int) -> jax.Array:
    """Squares of pixels become channels, in the order of PyTorch's PixelUnshuffle."""
    n, height, width, channels = x.shape
    rows, columns = height // scale, width // scale
    x = x.reshape(n, rows, scale, columns, scale, channels).transpose(0, 1, 3, 5, 2, 4)
    return x.reshape(n, rows, columns, channels * scale * scale)


def split_softmax(x: jax.Array, splits: int, groups: int = 1) -> jax.Array:
    """Softmax across equal parts of the channels (Li et al. 2019)."""
    parts = x.reshape(*x.shape[:-1], groups, splits, -1)
    return nnx.softmax(parts, axis=-2).reshape(x.shape)


def unflatten(x: jax.Array, size: tuple[int, int]) -> jax.Array:
    """A vector as maps of a size, in the order channels, rows, columns, as PyTorch has it."""
    return jnp.moveaxis(x.reshape(x.shape[0], -1, *size), 1, -1)


def upsample(x: jax.Array, scale: int = 1, size: tuple[int, ...] | None = None) -> jax.Array:
    """All extents of the map times scale, or those of a size, by repeated pixels."""
    size = size or tuple(extent * scale for extent in x.shape[1:-1])
    for axis, count in enumerate(size, 1):
        x = jnp.take(x, jnp.arange(count) * x.shape[axis] // count, axis)
    return x


def interpolate(
    x: jax.Array, scale: int = 1, size: tuple[int, ...] | None = None, method: str = "linear"
) -> jax.Array:
    """All extents of the map times scale, or those of a size; its borders keep their places."""
    size = size or tuple(extent * scale for extent in x.shape[1:-1])
    shape = (x.shape[0], *size, x.shape[-1])
    return jax.image.resize(x, shape, method, antialias=False)


def interpolate_aligned(
    x: jax.Array, scale: int = 1, size: tuple[int, ...] | None = None
) -> jax.Array:
    """All extents of the map times scale, or those of a size; its outermost pixels stay."""
    size = size or tuple(extent * scale for extent in x.shape[1:-1])
    for axis, count in enumerate(size, 1):
        last = x.shape[axis] - 1
        places = jnp.arange(count, dtype=jnp.promote_types(x.dtype, "float32"))
        places = places * last / max(count - 1, 1)
        low = jnp.minimum(places.astype(int), last)
        share = (places - low).reshape(-1, *[1] * (x.ndim - 1 - axis))
        high = jnp.minimum(low + 1, last)
        near, far = (jnp.take(x, at, axis) for at in (low, high))
        x = (near * (1 - share) + far * share).astype(x.dtype)
    return x
