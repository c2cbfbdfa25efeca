from dataclasses import replace
from typing import Any

from .op import op
from .Value import Value


def group_norm(x: Value, num_groups: int, *, name: str, **attributes: Any) -> Value:
    shape, graph = (x.shape[1],), x.graph
    scale = graph.weight(f"{name}.weight", shape, 1.0)
    shift = graph.weight(f"{name}.bias", shape, 0.0)
    attributes |= {"num_groups": num_groups, "name": name}
    y = op.GroupNormalization(x, scale, shift, **attributes)
    return replace(y, type=x.type)  # which onnx does not infer
