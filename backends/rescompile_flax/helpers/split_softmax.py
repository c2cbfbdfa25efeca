import jax
from flax import nnx


def split_softmax(x: jax.Array, splits: int, groups: int = 1) -> jax.Array:
    """Softmax across equal parts of the channels (Li et al. 2019)."""
    parts = x.reshape(*x.shape[:-1], groups, splits, -1)
    return nnx.softmax(parts, axis=-2).reshape(x.shape)
