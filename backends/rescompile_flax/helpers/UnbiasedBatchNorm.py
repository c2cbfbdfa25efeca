import jax
from flax import nnx


class UnbiasedBatchNorm(nnx.BatchNorm):
    """Its running variance takes a batch's unbiased variance: n / (n - 1) times Flax's own."""

    def __call__(self, x: jax.Array) -> jax.Array:
        kept = self.momentum * self.var[...]
        y = super().__call__(x)
        if not self.use_running_average:
            n = x.size // x.shape[-1]
            self.var[...] = kept + (self.var[...] - kept) * (n / (n - 1))
        return y
