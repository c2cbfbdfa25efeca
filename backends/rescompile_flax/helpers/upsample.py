import jax
import jax.numpy as jnp


def upsample(
    x: jax.Array,
    scale: int = 1,
    size: tuple[int, int] | None = None,
    method: str = "nearest",
    align_corners: bool = False,
) -> jax.Array:
    """Height and width times scale, or those of a size; align_corners is for bilinear."""
    n, height, width, channels = x.shape
    height, width = size or (height * scale, width * scale)
    if not align_corners:
        return jax.image.resize(x, (n, height, width, channels), method)
    for axis, count in ((1, height), (2, width)):
        last = x.shape[axis] - 1
        places = jnp.arange(count, dtype=x.dtype) * last / max(count - 1, 1)
        low = jnp.minimum(places.astype(int), last)
        share = (places - low).reshape(-1, *[1] * (3 - axis))
        near, far = (jnp.take(x, at, axis) for at in (low, jnp.minimum(low + 1, last)))
        x = near * (1 - share) + far * share
    return x
