from .op import op
from .Value import Value


def celu(x: Value, alpha: float, *, name: str) -> Value:
    """By Elu, since Celu is for float32 alone (Barron 2017)."""
    y = op.Elu(op.Div(x, alpha, name=f"{name}.narrow"), name=f"{name}.elu")
    return op.Mul(y, alpha, name=name)
