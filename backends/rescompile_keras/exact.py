"""Float64 that deserves the name: what Keras computes in float32 while it says float64.

Only measurements come here. What was found on Keras 3.15, TensorFlow 2.21 and PyTorch 2.13:
* off TensorFlow, Keras' table of narrower types has norms and means compute in float32;
* Python's floats, a momentum of 0.9 say, pass through float32 into a float64 computation: 2e-8;
* on TensorFlow the constants of gelu (1e-8), the slope of leaky_relu (3e-10) and bilinear resizing
  (2e-8) are float32; on PyTorch so is the derivative of hard_sigmoid (3e-8), and
  softplus is x from 20 on (2e-9);
* TensorFlow has no pools of three axes in float64 on CPUs;
* PyTorch has no gradient for the kernel of a transposed convolution of sequences of one channel, as
  Keras hands it over ("grad_weight needs to be contiguous"): it has one for images of one row.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial, reduce
from itertools import product
from typing import Any

import keras
import numpy as np

from rescompile.ops import same_padding

FLOATS = (
    "momentum",
    "epsilon",
    "rate",
    "negative_slope",
    "alpha",
    "max_value",
    "scale",
    "beta",
    "k",
    "threshold",
    "value",
)


def allow_float64() -> None:
    """For all models that are built from now on; JAX has float64 only where it is switched on."""
    from keras.src.backend.common import dtypes

    table = getattr(dtypes, "BIT64_TO_BIT32_DTYPE", None)  # a private name, and it may go
    if table is not None:
        table["float64"] = "float64"
    if keras.backend.backend() == "jax":
        import jax

        jax.config.update("jax_enable_x64", True)  # type: ignore[no-untyped-call]


def make_exact(model: Any) -> None:
    """Give the layers of a float64 model float64 constants, and formulas that keep them."""
    for operation in model.operations:
        if pools := POOLS.get(type(operation).__name__):
            operation.call = partial(pools, operation)
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            make_exact(layer)
        for name in FLOATS:
            value = getattr(layer, name, None)
            if type(value) is float:
                setattr(layer, name, np.float64(value))
        if isinstance(layer, keras.layers.Activation):
            layer.activation = ACTIVATIONS.get(layer.activation, layer.activation)
        elif isinstance(layer, keras.layers.LeakyReLU):
            layer.call = _leaky_relu(layer.negative_slope)
        elif isinstance(layer, keras.layers.UpSampling2D) and layer.interpolation == "bilinear":
            layer.call = _bilinear(*layer.size)
        elif isinstance(layer, keras.layers.Conv1DTranspose):
            layer.call = partial(_conv1d_transpose, layer)


def _window(pool: Any) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Kernel and stride of a layer or an operation for maps of three axes."""
    each = (pool.pool_size, pool.strides or pool.pool_size)
    kernel, stride = ((one,) * 3 if isinstance(one, int) else tuple(one) for one in each)
    return kernel, stride


def _slices(pool: Any, x: Any) -> Iterator[Any]:
    """What each place of a window sees, window by window."""
    (kernel, stride), extents = _window(pool), x.shape[1:-1]
    counts = [(n - k) // s + 1 for n, k, s in zip(extents, kernel, stride, strict=True)]
    for place in product(*map(range, kernel)):
        spans = zip(place, counts, stride, strict=True)
        yield x[(slice(None), *(slice(i, i + (n - 1) * s + 1, s) for i, n, s in spans))]


def _around(pool: Any, x: Any, fill: float) -> Any:
    """The map, padded where a pool pads by itself."""
    if pool.padding == "valid":
        return x
    axes = zip(x.shape[1:-1], *_window(pool), strict=True)
    pads = [(0, 0), *(same_padding(*axis) for axis in axes), (0, 0)]
    return keras.ops.pad(x, pads, constant_values=fill)


def _max_pool(pool: Any, x: Any) -> Any:
    """The first of equals gets the gradient."""
    return reduce(
        lambda best, one: keras.ops.where(one > best, one, best),
        _slices(pool, _around(pool, x, -math.inf)),
    )


def _average_pool(pool: Any, x: Any) -> Any:
    ones = _around(pool, keras.ops.ones_like(x), 0.0)
    return sum(_slices(pool, _around(pool, x, 0.0))) / sum(_slices(pool, ones))


def _of_three(pools: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    """A pool of the framework's own, but for maps of three axes."""

    def call(pool: Any, x: Any, *given: Any, **options: Any) -> Any:
        if len(x.shape) == 5:
            return pools(pool, x)
        return type(pool).call(pool, x, *given, **options)

    return call


POOLS = {
    **dict.fromkeys(("MaxPooling3D", "MaxPool"), _of_three(_max_pool)),
    **dict.fromkeys(("AveragePooling3D", "AveragePool"), _of_three(_average_pool)),
}


def _conv1d_transpose(layer: Any, x: Any) -> Any:
    row, kernel = (keras.ops.expand_dims(x, 1), keras.ops.expand_dims(layer.kernel, 0))
    y = keras.ops.conv_transpose(row, kernel, (1, *layer.strides))[:, 0]
    return y + layer.bias if layer.use_bias else y


def _constant(value: Any) -> Any:
    return keras.ops.convert_to_tensor(np.asarray(value, np.float64))


def _gelu(x: Any) -> Any:
    half = keras.ops.erf(x * _constant(1 / math.sqrt(2))) + _constant(1.0)
    return x * half * _constant(0.5)


def _hard_sigmoid(x: Any) -> Any:
    return keras.ops.relu6(x + _constant(3.0)) / _constant(6.0)


def _softplus(x: Any) -> Any:
    rest = keras.ops.log1p(keras.ops.exp(-keras.ops.absolute(x)))
    return keras.ops.maximum(x, _constant(0.0)) + rest


def _leaky_relu(slope: float) -> Callable[[Any], Any]:
    return lambda x: keras.ops.where(x > 0, x, x * _constant(slope))


def _bilinear(tall: int, wide: int) -> Callable[[Any], Any]:
    """By half-pixel centres; beyond the outermost ones the edge is held."""

    def weights(n: int, scale: int) -> Any:
        centres = np.clip((np.arange(n * scale) + 0.5) / scale - 0.5, 0, n - 1)
        return _constant(np.maximum(0.0, 1.0 - np.abs(centres[:, None] - np.arange(n))))

    def call(x: Any) -> Any:
        rows, columns = weights(x.shape[1], tall), weights(x.shape[2], wide)
        return keras.ops.einsum("yh,nhwc,xw->nyxc", rows, x, columns)

    return call


ACTIVATIONS = {
    keras.activations.gelu: _gelu,
    keras.activations.hard_sigmoid: _hard_sigmoid,
    keras.activations.softplus: _softplus,
}
