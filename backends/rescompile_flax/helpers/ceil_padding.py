import jax


def ceil_padding(
    x: jax.Array,
    window_shape: tuple[int, int],
    strides: tuple[int, int],
    padding: tuple[tuple[int, int], tuple[int, int]],
) -> list[tuple[int, int]]:
    """Padding by which a pool's last window may reach over the edge, unless all of it would."""
    sides = []
    for i in range(2):
        n, size, (before, after) = x.shape[i + 1], window_shape[i], padding[i]
        more = after + (size - n - before - after) % strides[i]
        sides.append((before, more if more < size else after))
    return sides
