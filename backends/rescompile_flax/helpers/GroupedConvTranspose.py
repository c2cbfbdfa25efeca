import jax
import jax.numpy as jnp
from flax import nnx


class GroupedConvTranspose(nnx.Module):
    """A transposed convolution in groups; its kernel has the outputs of one group."""

    def __init__(
        self,
        in_features: int,
        out_features: int,
        kernel_size: tuple[int, ...],
        strides: int | tuple[int, ...] = 1,
        *,
        padding: tuple[tuple[int, int], ...],
        groups: int,
        use_bias: bool = True,
        kernel_init: nnx.Initializer,
        rngs: nnx.Rngs,
    ) -> None:
        shape = (*kernel_size, out_features // groups, in_features)
        self.kernel = nnx.Param(kernel_init(rngs.params(), shape))
        self.bias = nnx.Param(jnp.zeros(out_features)) if use_bias else None
        each = (strides,) * len(kernel_size) if isinstance(strides, int) else strides
        self.strides, self.padding, self.groups = each, padding, groups

    def __call__(self, x: jax.Array) -> jax.Array:
        *extents, features, channels = self.kernel.shape
        axes, group = tuple(range(len(extents))), channels // self.groups
        kernel = jnp.flip(self.kernel[...], axes)
        kernel = kernel.reshape(*extents, features, self.groups, group)
        kernel = jnp.moveaxis(kernel, -1, len(extents)).swapaxes(-1, -2)
        places = "DHW"[-len(extents) :]
        x = jax.lax.conv_general_dilated(
            x,
            kernel.reshape(*extents, group, self.groups * features),
            (1,) * len(extents),
            self.padding,
            lhs_dilation=self.strides,
            dimension_numbers=(f"N{places}C", f"{places}IO", f"N{places}C"),
            feature_group_count=self.groups,
        )
        return x if self.bias is None else x + self.bias
