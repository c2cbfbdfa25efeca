import jax
from flax import nnx

from .ceil_padding import ceil_padding


def ceil_max_pool(
    x: jax.Array,
    window_shape: tuple[int, int],
    strides: tuple[int, int],
    padding: tuple[tuple[int, int], tuple[int, int]] = ((0, 0), (0, 0)),
) -> jax.Array:
    """Max-pooling in ceil mode."""
    sides = ceil_padding(x, window_shape, strides, padding)
    return nnx.max_pool(x, window_shape, strides, sides)
