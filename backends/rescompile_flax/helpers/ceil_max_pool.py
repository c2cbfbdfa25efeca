import jax
from flax import nnx


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
