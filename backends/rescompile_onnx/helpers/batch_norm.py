from typing import Any

from .op import op
from .Value import Value


def batch_norm(x: Value, *, name: str, **attributes: Any) -> Value:
    weights, shape = [], (x.shape[1],)
    for leaf in ("weight", "bias", "running_mean", "running_var"):
        start = 1.0 if leaf in ("weight", "running_var") else 0.0
        weights.append(x.graph.weight(f"{name}.{leaf}", shape, start))
    return op.BatchNormalization(x, *weights, name=name, **attributes)
