from .op import op
from .Value import Value


def silu(x: Value, *, name: str) -> Value:
    return op.Mul(x, op.Sigmoid(x, name=f"{name}.sigmoid"), name=name)
