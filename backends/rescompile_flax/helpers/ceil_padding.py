import jax

Pads = tuple[tuple[int, int], tuple[int, int]]


def ceil_padding(
    x: jax.Array, window_shape: tuple[int, int], strides: tuple[int, int], padding: Pads
) -> Pads:
    """Padding that lets the last window of a pool reach over the edge, unless all of it would."""
    sides = []
    for n, size, step, (before, after) in zip(
        x.shape[1:3], window_shape, strides, padding, strict=True
    ):
        more = after + (size - n - before - after) % step
        sides.append((before, more if more < size else after))
    return tuple(sides)
