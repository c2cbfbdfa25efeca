"""The vocabulary of the stand-in: PyTorch's modules, with its arguments and defaults."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

from rescompile import ops
from rescompile.emit.validation import TraceError
from rescompile.emit.validation.graph import Graph
from rescompile.ir.initial import CONSTANT, Draw, draw
from rescompile.ir.structure import Initializer, JoinKind
from rescompile.ops import Op

from .standin import Filled, Identity, Leaf, Module, Parameter, Sequential, Value, joined

Size = int | tuple[int, int]
Told = tuple[Op, int | None]  # an operation, and the channels that must enter it


def _pair(size: Size) -> tuple[int, int]:
    return size if isinstance(size, tuple) else (size, size)


def _sides(padding: Size) -> tuple[int, int, int, int]:
    rows, columns = _pair(padding)
    return rows, rows, columns, columns


def _conv(
    in_channels: int,
    out_channels: int,
    kernel_size: Size,
    stride: Size = 1,
    padding: Size = 0,
    dilation: Size = 1,
    groups: int = 1,
    bias: bool = True,
) -> Told:
    kernel, steps, spread = _pair(kernel_size), _pair(stride), _pair(dilation)
    made = ops.Conv(out_channels, kernel, steps, _sides(padding), spread, groups, bias)
    return made, in_channels


def _padded_conv(
    in_channels: int,
    out_channels: int,
    kernel_size: Size,
    stride: Size = 1,
    padding: tuple[int, int, int, int] = (0, 0, 0, 0),
    dilation: Size = 1,
    groups: int = 1,
    bias: bool = True,
) -> Told:
    left, right, top, bottom = padding
    kernel, steps, spread = _pair(kernel_size), _pair(stride), _pair(dilation)
    sides = (top, bottom, left, right)
    return ops.Conv(out_channels, kernel, steps, sides, spread, groups, bias), in_channels


def _conv_transpose(
    in_channels: int,
    out_channels: int,
    kernel_size: Size,
    stride: Size = 1,
    padding: Size = 0,
    output_padding: Size = 0,
    groups: int = 1,
    bias: bool = True,
) -> Told:
    kernel, steps, cut, more = map(_pair, (kernel_size, stride, padding, output_padding))
    return ops.ConvTranspose(out_channels, kernel, steps, cut, more, groups, bias), in_channels


def _linear(in_features: int, out_features: int, bias: bool = True) -> Told:
    return ops.Linear(out_features, bias), in_features


def _batch_norm(num_features: int, eps: float = 1e-5, momentum: float = 0.1) -> Told:
    return ops.BatchNorm(eps, momentum), num_features


def _layer_norm(normalized_shape: int, eps: float = 1e-5) -> Told:
    return ops.LayerNorm(eps), normalized_shape


def _group_norm(num_groups: int, num_channels: int, eps: float = 1e-5) -> Told:
    return ops.GroupNorm(num_groups, eps), num_channels


def _max_pool(
    kernel_size: Size, stride: Size | None = None, padding: Size = 0, *, ceil_mode: bool = False
) -> Told:
    kernel = _pair(kernel_size)
    steps = kernel if stride is None else _pair(stride)
    return ops.MaxPool(kernel, steps, _sides(padding), ceil_mode), None


def _avg_pool(
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Told:
    kernel = _pair(kernel_size)
    steps = kernel if stride is None else _pair(stride)
    return ops.AvgPool(kernel, steps, _sides(padding), ceil_mode, count_include_pad), None


def _adaptive_avg_pool(output_size: int) -> Told:
    if output_size != 1:
        raise TraceError("adaptive pooling to more than one pixel")
    return ops.GlobalAvgPool(keepdims=True), None


def _zero_pad(padding: tuple[int, ...]) -> Told:
    *sides, before, after = padding
    if any(sides):
        raise TraceError("rows or columns of zeros")
    return ops.PadChannels(before, after), None


def _softmax(dim: int | None = None) -> Told:
    if dim != 1:
        raise TraceError("a softmax that is not over the channels")
    return ops.Softmax(), None


def _upsample(*, scale_factor: int, mode: str = "nearest") -> Told:
    return ops.Upsample(scale_factor, ops.Resampling(mode)), None


def _of(kind: Callable[..., Op], *defaults: Any) -> Callable[..., Told]:
    """An operation whose attributes are the module's arguments, in order."""

    def tell(*given: Any) -> Told:
        return kind(*(given or defaults)), None

    return tell


LEAVES: dict[str, Callable[..., Told]] = {
    "Conv2d": _conv,
    "ConvTranspose2d": _conv_transpose,
    "Linear": _linear,
    "BatchNorm1d": _batch_norm,
    "BatchNorm2d": _batch_norm,
    "LayerNorm": _layer_norm,
    "GroupNorm": _group_norm,
    "ReLU": _of(ops.Relu),
    "ReLU6": _of(ops.Relu6),
    "LeakyReLU": _of(ops.LeakyRelu, 0.01),
    "Sigmoid": _of(ops.Sigmoid),
    "Hardsigmoid": _of(ops.HardSigmoid),
    "Tanh": _of(ops.Tanh),
    "SiLU": _of(ops.Silu),
    "Hardswish": _of(ops.HardSwish),
    "GELU": _of(ops.Gelu),
    "ELU": _of(ops.Elu),
    "Softmax": _softmax,
    "MaxPool2d": _max_pool,
    "AvgPool2d": _avg_pool,
    "AdaptiveAvgPool2d": _adaptive_avg_pool,
    "Flatten": _of(ops.Flatten),
    "Dropout": _of(ops.Dropout, 0.5),
    "ZeroPad3d": _zero_pad,
    "ChannelShuffle": _of(ops.ChannelShuffle),
    "Upsample": _upsample,
}


def _leaf(name: str, tell: Any, base: type[Leaf] = Leaf, **own: Any) -> type[Leaf]:
    return type(name, (base,), {"tell": staticmethod(tell), **own})


CLASSES = {name: _leaf(name, tell) for name, tell in LEAVES.items()}
for _name in ("Linear", "LayerNorm"):
    CLASSES[_name].last = True
for _name in ("ReLU", "ReLU6", "LeakyReLU", "SiLU", "Hardswish"):
    CLASSES[_name].overwrites = True
CLASSES["BatchNorm1d"].rank = 1
CLASSES["BatchNorm2d"].rank = 3


class Permute(Module):
    """The helper of that name: the channels to the end, or back."""

    def __init__(self, *dims: int) -> None:
        super().__init__()
        if dims not in ((0, 2, 3, 1), (0, 3, 1, 2)):
            raise TraceError(f"dimensions in the order {dims}")
        self.back = dims == (0, 3, 1, 2)

    def forward(self, x: Value) -> Value:
        if x.last != self.back or len(x.shape) != 3:
            raise TraceError("the channels are moved twice")
        return x.view(x.term, last=not self.back)


# What files define themselves, as text that is always the same.
STANDINS: dict[str, type[Module]] = {
    "PaddedConv2d": _leaf("PaddedConv2d", _padded_conv, CLASSES["Conv2d"]),
    "LayerNorm2d": _leaf("LayerNorm2d", _layer_norm),
    "StochasticDepth": _leaf("StochasticDepth", _of(ops.StochasticDepth)),
    "SliceChannels": _leaf("SliceChannels", _of(ops.SliceChannels)),
    "Permute": Permute,
}


def modules(graph: Graph) -> dict[str, Any]:
    """`torch`, `torch.nn` and what else emitted files import."""

    def cat(values: list[Value], dim: int) -> Value:
        if dim != 1:
            raise TraceError("a concatenation that is not of channels")
        return joined(graph, JoinKind.CONCAT, values)

    nn = SimpleNamespace(
        **CLASSES,
        Module=Module,
        Sequential=Sequential,
        Identity=Identity,
        Parameter=Parameter,
        init=SimpleNamespace(
            zeros_=_zeros, normal_=_normal, kaiming_normal_=_kaiming, kaiming_uniform_=_uniform
        ),
    )
    functional = SimpleNamespace()
    torch = SimpleNamespace(nn=nn, Tensor=Value, cat=cat, full=Filled)
    inner = SimpleNamespace(functional=functional)
    return {"torch": torch, "torch.nn": inner}


def _zeros(parameter: Parameter) -> None:
    parameter.draw = Draw(CONSTANT, 0.0)


def _normal(parameter: Parameter, std: float) -> None:
    parameter.draw = draw(Initializer(std=std), parameter.shape)


def _kaiming(
    parameter: Parameter,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    uniform: bool = False,
) -> None:
    """The variance is gain^2 / fan; the gain is that of the function which follows."""
    gains = {"relu": Fraction(2), "linear": Fraction(1)}
    scale = gains.get(nonlinearity) or Fraction(2 / (1 + a**2)).limit_denominator(1000)
    parameter.draw = draw(Initializer(uniform, scale, mode), parameter.shape)


def _uniform(parameter: Parameter, **given: Any) -> None:
    _kaiming(parameter, **given, uniform=True)
