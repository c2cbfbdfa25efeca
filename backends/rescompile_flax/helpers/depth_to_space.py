import jax


def depth_to_space(x: jax.Array, scale: int) -> jax.Array:
    """Channels become squares of pixels, in PyTorch's order (Shi et al. 2016)."""
    n, height, width, channels = x.shape
    depth = channels // (scale * scale)
    x = x.reshape(n, height, width, depth, scale, scale).transpose(0, 1, 4, 2, 5, 3)
    return x.reshape(n, height * scale, width * scale, depth)
