import jax
import jax.numpy as jnp
from flax import nnx


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
