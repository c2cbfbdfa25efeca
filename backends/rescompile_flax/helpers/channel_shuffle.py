import jax


def channel_shuffle(x: jax.Array, groups: int) -> jax.Array:
    """Interleaves groups of channels (Zhang et al. 2017)."""
    shape = (*x.shape[:-1], groups, x.shape[-1] // groups)
    return x.reshape(shape).swapaxes(-1, -2).reshape(x.shape)
