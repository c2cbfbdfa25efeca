import jax
import jax.numpy as jnp
from flax import nnx


class PReLU(nnx.Module):
    """x where positive, else a learned factor times x (He et al. 2015); Flax's own has but one."""

    def __init__(
        self,
        num_features: int,
        *,
        negative_slope_init: float = 0.25,
        shared: bool = False,
        rngs: nnx.Rngs,
    ) -> None:
        self.negative_slope = nnx.Param(
            jnp.full(1 if shared else num_features, negative_slope_init)
        )

    def __call__(self, x: jax.Array) -> jax.Array:
        return jnp.where(x > 0, x, self.negative_slope * x)
