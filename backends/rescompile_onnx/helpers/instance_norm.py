from typing import Any

from .op import op
from .Value import Value


def instance_norm(x: Value, *, name: str, **attributes: Any) -> Value:
    shape, graph = (x.shape[1],), x.graph
    scale = graph.weight(f"{name}.weight", shape, 1.0)
    shift = graph.weight(f"{name}.bias", shape, 0.0)
    return op.InstanceNormalization(x, scale, shift, name=name, **attributes)
