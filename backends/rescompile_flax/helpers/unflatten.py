import jax
import jax.numpy as jnp


def unflatten(x: jax.Array, size: tuple[int, int]) -> jax.Array:
    """A vector as maps of a size, in the order channels, rows, columns, as PyTorch has it."""
    return jnp.moveaxis(x.reshape(x.shape[0], -1, *size), 1, -1)
