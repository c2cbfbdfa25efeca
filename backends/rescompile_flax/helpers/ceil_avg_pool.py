import jax
import jax.numpy as jnp
from flax import nnx


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
    return nnx.avg_pool(x, window_shape, strides, sides, count_include_pad=False)
