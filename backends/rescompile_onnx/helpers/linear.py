from .constants import linear_init
from .op import op
from .Value import Value


def linear(x: Value, features: int, *, bias: bool = True, name: str) -> Value:
    """Of a vector, or at each position of a map whose channels are last."""
    graph, shape = x.graph, (features, x.shape[-1])
    weight = graph.weight(f"{name}.weight", shape, linear_init)
    shift = [graph.weight(f"{name}.bias", (features,), 0.0)] if bias else []
    if len(x.shape) == 2:
        return op.Gemm(x, weight, *shift, transB=1, name=name)
    weight = op.Transpose(weight, perm=[1, 0], name=f"{name}.transposed")
    y = op.MatMul(x, weight, name=f"{name}.product" if bias else name)
    return op.Add(y, *shift, name=name) if bias else y
