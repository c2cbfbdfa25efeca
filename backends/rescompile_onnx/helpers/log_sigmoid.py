from .op import op
from .Value import Value


def log_sigmoid(x: Value, *, name: str) -> Value:
    y = op.Softplus(op.Neg(x, name=f"{name}.turned"), name=f"{name}.softplus")
    return op.Neg(y, name=name)
