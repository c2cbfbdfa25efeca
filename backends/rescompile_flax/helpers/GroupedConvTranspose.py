import jax
import jax.numpy as jnp
from flax import nnx


class GroupedConvTranspose(nnx.Module):
    """A transposed convolution in groups; its kernel has the outputs of one group."""

    def __init__(
        self,
        in_features: int,
        out_features: int,
        kernel_size: tuple[int, int],
        strides: int | tuple[int, int] = 1,
        *,
        padding: tuple[tuple[int, int], tuple[int, int]],
        groups: int,
        use_bias: bool = True,
        kernel_init: nnx.Initializer,
        rngs: nnx.Rngs,
    ) -> None:
        shape = (*kernel_size, out_features // groups, in_features)
        self.kernel = nnx.Param(kernel_init(rngs.params(), shape))
        self.bias = nnx.Param(jnp.zeros(out_features)) if use_bias else None
        self.strides = (strides, strides) if isinstance(strides, int) else strides
        self.padding, self.groups = padding, groups

    def __call__(self, x: jax.Array) -> jax.Array:
        height, width, features, channels = self.kernel.shape
        shape = (height, width, features, self.groups, channels // self.groups)
        kernel = self.kernel[::-1, ::-1].reshape(shape).transpose(0, 1, 4, 3, 2)
        x = jax.lax.conv_general_dilated(
            x,
            kernel.reshape(height, width, channels // self.groups, features * self.groups),
            (1, 1),
            self.padding,
            lhs_dilation=self.strides,
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
            feature_group_count=self.groups,
        )
        return x if self.bias is None else x + self.bias
