import jax
import jax.numpy as jnp
from flax import nnx

from .ceil_padding import ceil_padding


def ceil_avg_pool(
    x: jax.Array,
    window_shape: tuple[int, int],
    strides: tuple[int, int],
    padding: tuple[tuple[int, int], tuple[int, int]] = ((0, 0), (0, 0)),
    count_include_pad: bool = True,
) -> jax.Array:
    """Average pooling in ceil mode: what a window sees beyond the padding never counts."""
    sides = ceil_padding(x, window_shape, strides, padding)
    if count_include_pad:
        x = jnp.pad(x, ((0, 0), *padding, (0, 0)))
        sides = [(0, more[1] - pad[1]) for more, pad in zip(sides, padding, strict=True)]
    return nnx.avg_pool(x, window_shape, strides, sides, count_include_pad=False)
