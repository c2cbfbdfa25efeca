import jax
import jax.numpy as jnp
from flax import nnx


class StdConv(nnx.Conv):
    """A convolution by weights of mean 0 and variance 1 for each output (Qiao et al. 2019).

    With gain they are scaled by gamma / sqrt(fan-in) and by a learned factor (Brock et al. 2021).
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        kernel_size: tuple[int, int],
        strides: int | tuple[int, int] = 1,
        *,
        padding: str | int | tuple[tuple[int, int], tuple[int, int]],
        kernel_dilation: int | tuple[int, int] = 1,
        feature_group_count: int = 1,
        use_bias: bool = True,
        epsilon: float = 1e-6,
        gain: bool = False,
        gamma: float = 1.0,
        kernel_init: nnx.Initializer,
        rngs: nnx.Rngs,
    ) -> None:
        super().__init__(
            in_features,
            out_features,
            kernel_size,
            strides,
            padding=padding,
            kernel_dilation=kernel_dilation,
            feature_group_count=feature_group_count,
            use_bias=use_bias,
            kernel_init=kernel_init,
            rngs=rngs,
        )
        self.epsilon = epsilon
        self.gain = nnx.Param(jnp.ones(out_features)) if gain else None
        self.scale = gamma / (self.kernel.size // out_features) ** 0.5 if gain else 1.0

    def __call__(self, x: jax.Array) -> jax.Array:
        kernel = self.kernel[...]
        mean, variance = kernel.mean((0, 1, 2)), kernel.var((0, 1, 2))
        kernel = (kernel - mean) / jnp.sqrt(variance + self.epsilon)
        if self.gain is not None:
            kernel = kernel * self.gain * self.scale
        pads, strides, dilation = self.padding, self.strides, self.kernel_dilation
        x = jax.lax.conv_general_dilated(
            x,
            kernel,
            (strides, strides) if isinstance(strides, int) else strides,
            ((pads, pads), (pads, pads)) if isinstance(pads, int) else pads,
            rhs_dilation=(dilation, dilation) if isinstance(dilation, int) else dilation,
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
            feature_group_count=self.feature_group_count,
        )
        return x if self.bias is None else x + self.bias
