"""Operations: shape rules, parameters, bounds, and what they tell of channels."""

from __future__ import annotations

import dataclasses
from collections import Counter

import pytest

from rescompile import ops
from rescompile.expr.dims import ExprError, Var, text
from rescompile.expr.parse import parse
from rescompile.ops import (
    AdaptiveAvgPool,
    AdaptiveMaxPool,
    AvgPool,
    BatchNorm,
    ChannelConv,
    ChannelMax,
    ChannelMean,
    ChannelShuffle,
    Conv,
    ConvTranspose,
    Crop,
    DepthToSpace,
    Dropout,
    Flatten,
    GlobalAttentionPool,
    GlobalAvgPool,
    GlobalMaxPool,
    GlobalResponseNorm,
    GroupNorm,
    InstanceNorm,
    L2Norm,
    LayerScale,
    Linear,
    LocalResponseNorm,
    MaxPool,
    Op,
    Pad,
    PadChannels,
    PadMode,
    Permute,
    Relu,
    Same,
    Shape,
    ShapeError,
    Sigmoid,
    SliceChannels,
    SoftShrink,
    SpaceToDepth,
    SplitSoftmax,
    StochasticDepth,
    Unflatten,
    Upsample,
    attribute_dims,
    bind,
    map_attributes,
    same_padding,
)

X = (64, 56, 56)


def square(n: int) -> tuple[int, int]:
    return (n, n)


def around(n: int) -> tuple[int, int, int, int]:
    return (n, n, n, n)


@pytest.mark.parametrize(
    ("op", "x", "y"),
    [
        (Conv(64, square(7), square(2), around(3)), (3, 224, 224), (64, 112, 112)),
        (Conv(64, square(3), square(2), around(1)), (3, 5, 6), (64, 3, 3)),
        (Conv(64, (1, 7), (1, 2), (0, 0, 3, 3)), (3, 9, 9), (64, 9, 5)),
        (Conv(8, square(3), padding=(0, 1, 0, 1)), (3, 4, 4), (8, 3, 3)),
        (Conv(8, square(3), padding=around(2), dilation=square(2)), (3, 9, 9), (8, 9, 9)),
        (Conv(8, square(3), square(2), Same.SAME), (3, 5, 4), (8, 3, 2)),
        (Conv(128, square(3), padding=around(1), groups=32), X, (128, 56, 56)),
        (ConvTranspose(8, square(2), square(2)), (16, 28, 28), (8, 56, 56)),
        (ConvTranspose(8, (3, 4), (2, 2), (1, 1), (1, 0)), (16, 7, 5), (8, 14, 10)),
        (MaxPool(square(3), square(2), around(1)), (64, 112, 112), X),
        (MaxPool(square(3), square(2), ceil_mode=True), (64, 112, 112), X),
        (MaxPool(square(2), square(2), ceil_mode=True), (8, 5, 5), (8, 3, 3)),
        # In ceil mode a window that would start in the trailing padding is dropped.
        (MaxPool(square(2), square(2), around(1), True), (8, 3, 3), (8, 2, 2)),
        (MaxPool(square(1), square(3), ceil_mode=True), (8, 5, 5), (8, 2, 2)),
        (AvgPool((2, 1), (2, 1)), (8, 5, 5), (8, 2, 5)),
        (AdaptiveAvgPool((7, 5)), X, (64, 7, 5)),
        (AdaptiveAvgPool(square(7)), (8, 2, 9), (8, 7, 7)),  # larger than the map, too
        (AdaptiveMaxPool((7, 5)), X, (64, 7, 5)),
        (Unflatten((4, 2)), (512,), (64, 4, 2)),
        (Pad((3, 1, 0, 2), PadMode.REFLECT), (8, 4, 3), (8, 8, 5)),
        (MaxPool(square(3), square(2), Same.SAME), (8, 42, 21), (8, 21, 11)),
        (AvgPool((2, 5), (1, 3), Same.SAME), (8, 4, 2), (8, 4, 1)),
        (Crop((1, 0, 2, 3)), (8, 4, 6), (8, 3, 1)),
        (Pad(around(9), PadMode.REPLICATE), (8, 4, 1), (8, 22, 19)),
        (GlobalAvgPool(), X, (64,)),
        (GlobalAvgPool(True), X, (64, 1, 1)),
        (GlobalMaxPool(), X, (64,)),
        (GlobalMaxPool(True), X, (64, 1, 1)),
        (GlobalAttentionPool(), (65, 9), (64,)),
        (GlobalAttentionPool(True), (65, 5, 6, 7), (64, 1, 1, 1)),
        (Flatten(), (512, 7, 7), (25088,)),
        (Flatten(), (512,), (512,)),
        (Linear(10), (512,), (10,)),
        (Linear(10, positions=True), X, (10, 56, 56)),
        (Permute(last=True), X, X),
        (PadChannels(8, 24), X, (96, 56, 56)),
        (SliceChannels(16, 40), X, (24, 56, 56)),
        (SliceChannels(0, 3), (5,), (3,)),
        (Upsample(2), (8, 7, 5), (8, 14, 10)),
        (ChannelShuffle(4), X, X),
        (DepthToSpace(4), X, (4, 224, 224)),
        (SpaceToDepth(4), X, (1024, 14, 14)),
        (SplitSoftmax(2, 4), X, X),
        (SplitSoftmax(5), (10,), (10,)),
        (ChannelConv(3), (64, 1, 1), (64, 1, 1)),
        (ChannelConv(5), (2,), (2,)),
        (LocalResponseNorm(5), X, X),
        (GlobalResponseNorm(), X, X),
        (L2Norm(), X, X),
        (L2Norm(), (10,), (10,)),
        (ChannelMean(), X, (1, 56, 56)),
        (ChannelMax(), X, (1, 56, 56)),
        (BatchNorm(), X, X),
        (Relu(), (10,), (10,)),
    ],
)
def test_shape(op: Op, x: Shape, y: Shape) -> None:
    assert bind(op, {}).output(x) == y


@pytest.mark.parametrize(
    ("op", "x", "message"),
    [
        (Conv(64, square(7)), (3, 5, 5), "a window of 7 does not fit into 5 pixels"),
        (Conv(8, square(3), dilation=square(4)), (3, 8, 8), "a window of 9"),
        (Conv(64, square(1), groups=3), X, "3 groups do not divide 64 input channels"),
        (Conv(10, square(1), groups=4), X, "4 groups do not divide 10 output channels"),
        (Conv(64, square(1)), (64,), "conv needs a map"),
        (Linear(10), X, "linear needs a vector"),
        (Linear(10, positions=True), (64,), "needs a map"),
        (AdaptiveAvgPool(square(7)), (64,), "adaptive_avg_pool needs a map"),
        (GlobalAvgPool(), (64,), "global_avg_pool needs a map"),
        (GlobalMaxPool(), (64,), "global_max_pool needs a map"),
        (GlobalAttentionPool(), (64,), "global_attention_pool needs a map"),
        (GlobalAttentionPool(), (1, 7, 7), "global_attention_pool needs two channels"),
        (InstanceNorm(), (64,), "one value in each channel has no variance"),
        (InstanceNorm(), (64, 1, 1), "one value in each channel has no variance"),
        (GroupNorm(7), X, "7 groups do not divide 64 channels"),
        (ChannelShuffle(5), X, "5 groups do not divide 64 channels"),
        (DepthToSpace(3), X, "3 x 3 pixels do not divide 64 channels"),
        (SpaceToDepth(3), X, "squares of 3 x 3 do not cover 56 x 56 pixels"),
        (Unflatten((4, 4)), X, "unflatten needs a vector, but its input is a map"),
        (Unflatten((4, 4)), (100,), "100 features are no maps of 4 x 4"),
        (Pad((3, 4, 0, 0), PadMode.REFLECT), (8, 4, 3), "4 pixels cannot be reflected to 4 more"),
        (Pad((1, 1, 1, 1), PadMode.REFLECT), (8,), "pad needs a map"),
        (Crop((2, 2, 0, 0)), (8, 4, 3), "4 of 4 pixels are taken off, and none is left"),
        (
            MaxPool(square(3), square(2), Same.SAME, True),
            X,
            "`same` padding leaves no incomplete window",
        ),
        (SoftShrink(-0.5), X, "soft_shrink: threshold is -0.5; it must be at least 0"),
        (LocalResponseNorm(5, alpha=-0.1), X, "alpha is -0.1; it must be at least 0"),
        (ChannelConv(3), X, "channel_conv needs one value for each channel"),
        (ChannelConv(4), (64,), "a size of 4 has no middle"),
        (LocalResponseNorm(5, k=0.0), X, "k is 0.0; it must be above 0"),
        (GlobalResponseNorm(), (64,), "global_response_norm needs a map"),
        (SplitSoftmax(3), X, "3 splits do not divide 64 channels"),
        (SplitSoftmax(4, 32), X, "32 groups of 4 splits do not divide 64 channels"),
        (ChannelMean(), (64,), "channel_mean needs a map"),
        (SliceChannels(16, 65), X, "16 to 65 is no range within 64 channels"),
        (SliceChannels(4, 4), X, "4 to 4 is no range"),
        (MaxPool(square(2), square(2), around(2)), X, "exceeds half of the kernel"),
        (MaxPool(square(9), square(1)), (8, 4, 4), "does not fit"),
        (StochasticDepth(0.1), (64,), "needs a map"),
    ],
)
def test_input_that_does_not_fit(op: Op, x: Shape, message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        bind(op, {}).output(x)


@pytest.mark.parametrize(
    ("op", "message"),
    [
        (Conv(0, square(3)), "channels must be at least 1"),
        (Conv(8, (3, 0)), "kernel must be at least 1"),
        (Conv(8, square(3), square(0)), "stride must be at least 1"),
        (Conv(8, square(3), padding=(0, 0, -1, 0)), "padding is -1, out of bounds"),
        (Conv(1 << 21, square(3)), "out of bounds"),
        (Conv(8.5, square(3)), "channels is 8.5, not a whole number"),
        (AdaptiveAvgPool((7, 0)), "size must be at least 1"),
        (Dropout(1.0), "rate is 1.0"),
        (Dropout(-0.1), "rate is -0.1"),
    ],
)
def test_attribute_that_makes_no_sense(op: Op, message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        bind(op, {})


@pytest.mark.parametrize(
    ("op", "x", "shapes"),
    [
        (Conv(128, (3, 5), groups=32), X, {"weight": (128, 2, 3, 5)}),
        (Conv(8, square(1), bias=True), X, {"weight": (8, 64, 1, 1), "bias": (8,)}),
        (Linear(10), (512,), {"weight": (10, 512), "bias": (10,)}),
        (Linear(10, False), (512,), {"weight": (10, 512)}),
        (LayerScale(), X, {"": (64, 1, 1)}),
        (LayerScale(), (64,), {"": (64,)}),
        (LayerScale(shared=True), X, {"": ()}),
        (InstanceNorm(), X, {"weight": (64,), "bias": (64,)}),
        (GroupNorm(8), X, {"weight": (64,), "bias": (64,)}),
        (Relu(), X, {}),
        (MaxPool(square(2), square(2)), X, {}),
    ],
)
def test_parameters(op: Op, x: Shape, shapes: dict[str, Shape]) -> None:
    assert {p.leaf: p.shape for p in op.parameters(x)} == shapes


def test_running_statistics_are_not_trained() -> None:
    trained = {p.leaf: p.trainable for p in BatchNorm().parameters(X)}
    assert trained == {"weight": True, "bias": True, "running_mean": False, "running_var": False}


@pytest.mark.parametrize(
    ("n", "kernel", "stride", "dilation", "pads"),
    # As TensorFlow computes them: ceil(n / stride) outputs, the odd pixel after.
    [
        (224, 7, 2, 1, (2, 3)),
        (5, 3, 2, 1, (1, 1)),
        (4, 3, 2, 1, (0, 1)),
        (9, 3, 1, 2, (2, 2)),
        (8, 1, 4, 1, (0, 0)),
    ],
)
def test_same_padding(
    n: int, kernel: int, stride: int, dilation: int, pads: tuple[int, int]
) -> None:
    assert same_padding(n, kernel, stride, dilation) == pads


def test_binding() -> None:
    op = Conv(parse("$channels * 4"), square(3), (Var("stride"), 1), groups=Var("groups"))
    env = {"channels": 16, "stride": 2, "groups": 4}
    assert bind(op, env) == Conv(64, square(3), (2, 1), groups=4)
    assert bind(Relu(), env) == Relu()
    with pytest.raises(ExprError, match="unknown name"):
        bind(op, {"channels": 16})


def test_attributes_are_walked_and_mapped() -> None:
    op = Conv(Var("channels"), square(3), (Var("stride"), 1))
    assert Var("stride") in attribute_dims(op)
    assert map_attributes(op, lambda dim: 7) == Conv(7, square(3), (7, 1))
    assert map_attributes(Relu(), lambda dim: 7) == Relu()


@pytest.mark.parametrize(
    ("op", "channels"),
    [
        (Conv(parse("$c * 4"), square(1)), "$c * 4"),
        (Relu(), "$x"),
        (PadChannels(Var("a"), 3), "$x + $a + 3"),
        (GlobalAttentionPool(), "$x - 1"),
        (SliceChannels(Var("a"), Var("b")), "$b - $a"),
        (SliceChannels(0, Var("b")), "$b"),
    ],
)
def test_channels_as_expressions(op: Op, channels: str) -> None:
    assert text(op.leaving(Var("x"))) == channels


def test_the_world_is_closed() -> None:
    kinds = [kind for kind in vars(ops).values() if isinstance(kind, type)]
    assert {kind for kind in kinds if issubclass(kind, Op) and kind.word} == set(ops.OPS)
    counted = Counter(kind.word for kind in ops.OPS)
    assert {word for word, count in counted.items() if count > 1} == {ops.Upsample.word}
    assert all(kind.__doc__ for kind in ops.OPS)


def test_operations_are_values() -> None:
    assert Relu() == Relu()
    assert Relu() != Sigmoid()
    assert MaxPool(square(2), square(2)) != AvgPool(square(2), square(2))
    assert len({Conv(8, square(3)), Conv(8, square(3)), Conv(8, square(5))}) == 2
    with pytest.raises(dataclasses.FrozenInstanceError):
        Linear(10).features = 11  # type: ignore[misc]
