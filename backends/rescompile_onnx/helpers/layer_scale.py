from .op import op
from .Value import Value


def layer_scale(x: Value, start: float, *, name: str) -> Value:
    """A learned factor for each channel (Touvron et al. 2021)."""
    shape = (x.shape[1], *[1 for _ in x.shape[2:]])
    return op.Mul(x, x.graph.weight(name, shape, start), name=name)
