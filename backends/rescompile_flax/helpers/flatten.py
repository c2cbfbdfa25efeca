import jax
import jax.numpy as jnp


def flatten(x: jax.Array) -> jax.Array:
    """Each sample as a vector, channels first: in the order of PyTorch's weights."""
    return jnp.moveaxis(x, -1, 1).reshape(x.shape[0], -1)
