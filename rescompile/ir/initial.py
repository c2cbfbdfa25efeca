"""What weights start as: the distribution or the constant of each tensor of a network."""

from __future__ import annotations

import math

from ..ops import Parameter, Role
from ..record import record
from .structure import Initializer, Network

CONSTANT = "constant"
NORMAL = "normal"
UNIFORM = "uniform"


@record
class Draw:
    """A distribution about zero with its standard deviation, or a constant with its value."""

    kind: str
    value: float

    def __str__(self) -> str:
        return f"{self.kind} {self.value:.6g}"


def drawn(network: Network, parameter: Parameter) -> Draw:
    """What a tensor starts as."""
    if not isinstance(parameter.start, Role):
        return Draw(CONSTANT, parameter.start)
    return draw(initializer(network, parameter.start), parameter.shape)


def initializer(network: Network, role: Role) -> Initializer:
    """What draws the tensors of a role."""
    return network.conv_init if role is Role.CONV else network.linear_init


def draw(how: Initializer, shape: tuple[int, ...]) -> Draw:
    """What an initialiser makes of a tensor in PyTorch's layout.

    The fans are PyTorch's: fan-in is the product of all dimensions but the first, fan-out that of
    all but the second; grouped and depthwise kernels included.
    """
    kind = UNIFORM if how.uniform else NORMAL
    if not how.mode:
        return Draw(kind, how.std)
    fans = {"fan_in": math.prod(shape[1:]), "fan_out": shape[0] * math.prod(shape[2:])}
    return Draw(kind, math.sqrt(how.scale / fans[how.mode]))
