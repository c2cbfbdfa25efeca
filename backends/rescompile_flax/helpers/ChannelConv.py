import jax
from flax import nnx


class ChannelConv(nnx.Conv):
    """A convolution over the channels of one pixel (Wang et al. 2020)."""

    def __init__(
        self,
        size: int,
        *,
        use_bias: bool = True,
        kernel_init: nnx.Initializer,
        rngs: nnx.Rngs,
    ) -> None:
        super().__init__(1, 1, (size,), use_bias=use_bias, kernel_init=kernel_init, rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        return super().__call__(x.reshape(x.shape[0], -1, 1)).reshape(x.shape)
