from .op import op
from .Value import Value


def layer_norm(x: Value, *, epsilon: float = 1e-5, axis: int = -1, name: str) -> Value:
    """Over the channels, which the operator wants last."""
    graph, shape = x.graph, (x.shape[axis],)
    scale = graph.weight(f"{name}.weight", shape, 1.0)
    shift = graph.weight(f"{name}.bias", shape, 0.0)
    if axis == -1 or len(x.shape) == 2:
        return op.LayerNormalization(x, scale, shift, epsilon=epsilon, name=name)
    y = op.Transpose(x, perm=[0, 2, 3, 1], name=f"{name}.last")
    label = f"{name}.normal"
    y = op.LayerNormalization(y, scale, shift, epsilon=epsilon, name=label)
    return op.Transpose(y, perm=[0, 3, 1, 2], name=name)
