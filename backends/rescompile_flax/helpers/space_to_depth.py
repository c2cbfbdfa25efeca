import jax


def space_to_depth(x: jax.Array, scale: int) -> jax.Array:
    """Squares of pixels become channels, in the order of PyTorch's PixelUnshuffle."""
    n, height, width, channels = x.shape
    rows, columns = height // scale, width // scale
    x = x.reshape(n, rows, scale, columns, scale, channels).transpose(0, 1, 3, 5, 2, 4)
    return x.reshape(n, rows, columns, channels * scale * scale)
