from typing import Any

from .constants import conv_init
from .op import op
from .Value import Value


def conv_transpose(
    x: Value,
    channels: int,
    kernel: list[int],
    *,
    group: int = 1,
    bias: bool = False,
    name: str,
    **attributes: Any,
) -> Value:
    shape = (x.shape[1], channels // group, *kernel)
    weight, vector = x.graph.weight, (channels,)
    kernels = weight(f"{name}.weight", shape, conv_init)
    shift = [weight(f"{name}.bias", vector, 0.0)] if bias else []
    attributes |= {"group": group, "name": name}
    return op.ConvTranspose(x, kernels, *shift, **attributes)
