import jax
from flax import nnx


def local_response_norm(
    x: jax.Array,
    size: int,
    alpha: float = 1e-4,
    beta: float = 0.75,
    k: float = 1.0,
) -> jax.Array:
    """x / (k + alpha * mean) ** beta, of the squares of neighbouring channels."""
    around = ((0, 0), (0, 0), (size // 2, (size - 1) // 2))
    mean = nnx.avg_pool((x * x)[..., None], (1, 1, size), padding=around)[..., 0]
    return x / (k + alpha * mean) ** beta
