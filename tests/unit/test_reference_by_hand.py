"""The reference semantics by hand: small operations, whole networks, and the weights."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from rescompile import ops
from rescompile.errors import InternalError
from rescompile.ir.elaborate import elaborate
from rescompile.ir.nodes import Branch, Call, Group, Join, JoinKind, Layer, Loop, Node, Residual
from rescompile.ir.structure import Block, Form, Network, Path, Stage
from rescompile.ir.trace import Elaborated
from rescompile.ops import Op
from rescompile.reference import MEANINGS, new_running_statistics, run
from rescompile.reference.vjps import VJPS
from rescompile.reference.weights import CALM, parameters, random_weights, seeded_weights


def mean(op: Op, x: Any, **p: Any) -> Any:
    """What `op` makes of one channel of one sample, or of an array with batch and channels."""
    given = {leaf: np.array(value, float) for leaf, value in p.items()}
    x = np.array(x, float)
    y = MEANINGS[type(op)](op, x.reshape(1, 1, *x.shape) if x.ndim == 2 else x, given, False)
    return (y[0, 0] if x.ndim == 2 else y).tolist()


SQUARE = [[1, 2], [3, 4]]


def test_convolution_is_a_correlation_with_zeros_around() -> None:
    op = ops.Conv(1, (2, 2), padding=(1, 0, 1, 0), bias=True)
    assert mean(op, SQUARE, weight=[[[[1, 2], [3, 4]]]], bias=[100]) == [[104, 111], [114, 130]]


def test_same_padding_at_stride_two_pads_below_and_to_the_right() -> None:
    op = ops.Conv(1, (3, 3), (2, 2), ops.Same.SAME)
    assert mean(op, np.ones((4, 4)), weight=np.ones((1, 1, 3, 3))) == [[9, 6], [6, 4]]


def test_padding_never_wins_a_maximum() -> None:
    op = ops.MaxPool((3, 3), (1, 1), (1, 1, 1, 1))
    assert mean(op, [[-5, -7], [-6, -8]]) == [[-5, -5], [-5, -5]]


def test_what_counts_in_an_average() -> None:
    around = (1, 1, 1, 1)
    assert mean(ops.AvgPool((2, 2), (2, 2), around), SQUARE) == SQUARE
    padded = ops.AvgPool((2, 2), (2, 2), around, count_include_pad=True)
    assert mean(padded, SQUARE) == [[0.25, 0.5], [0.75, 1]]
    # The second window starts at the last pixel: ceil mode's overhang does not count, in either.
    for include in (False, True):
        op = ops.AvgPool((1, 2), (1, 2), ceil_mode=True, count_include_pad=include)
        assert mean(op, [[1, 3, 6]]) == [[2, 6]]


def test_bilinear_has_half_pixel_centres() -> None:
    op = ops.Upsample(2, ops.Resampling.BILINEAR)
    assert mean(op, [[0, 4]]) == [[0, 1, 3, 4]] * 2
    assert mean(ops.Upsample(2), [[0, 4]]) == [[0, 0, 4, 4]] * 2


def test_upsampling_to_a_size_is_exact_for_any_ratio() -> None:
    bilinear, row = ops.Resampling.BILINEAR, [[0, 6]]
    assert mean(ops.UpsampleTo("a", bilinear, False, (1, 3)), row) == [[0, 3, 6]]
    assert mean(ops.UpsampleTo("a", bilinear, False, (1, 6)), row) == [[0, 0, 2, 4, 6, 6]]
    assert mean(ops.UpsampleTo("a", bilinear, True, (1, 5)), row) == [[0, 1.5, 3, 4.5, 6]]
    assert mean(ops.UpsampleTo("a", extents=(2, 4)), row) == [[0, 0, 6, 6]] * 2
    assert mean(ops.UpsampleTo("a", bilinear, True, (2, 2)), [[5]]) == [[5, 5]] * 2


def test_same_pools_pad_the_odd_pixel_after() -> None:
    row, window = [[-4, -2, -6, -8]], ((1, 3), (1, 2), ops.Same.SAME)
    assert mean(ops.MaxPool(*window), row) == [[-2, -6]]
    assert mean(ops.AvgPool(*window), row) == [[-4, -7]]
    assert mean(ops.AvgPool(*window, count_include_pad=True), [[3, 6, 9, 12]]) == [[6, 7]]


def test_padding_mirrors_the_map_or_repeats_its_border() -> None:
    row = [[1, 2, 3]]
    assert mean(ops.Pad((0, 0, 2, 1), ops.PadMode.REFLECT), row) == [[3, 2, 1, 2, 3, 2]]
    assert mean(ops.Pad((1, 0, 2, 1), ops.PadMode.REPLICATE), row) == [[1, 1, 1, 2, 3, 3]] * 2
    assert mean(ops.Crop((0, 0, 1, 0)), row) == [[2, 3]]
    y = MEANINGS[ops.Unflatten](ops.Unflatten((2, 2)), np.arange(8.0).reshape(1, 8), {}, False)
    assert y.tolist() == [[[[0, 1], [2, 3]], [[4, 5], [6, 7]]]]


def test_shuffle_interleaves_the_groups() -> None:
    x = np.arange(6).reshape(1, 6, 1, 1)
    assert np.ravel(mean(ops.ChannelShuffle(2), x)).tolist() == [0, 3, 1, 4, 2, 5]
    x = np.arange(8).reshape(1, 8, 1, 1)
    assert mean(ops.DepthToSpace(2), x) == [[[[0, 1], [2, 3]], [[4, 5], [6, 7]]]]
    x = np.arange(8).reshape(1, 1, 2, 4)
    assert mean(ops.SpaceToDepth(2), x) == [[[[0, 2]], [[1, 3]], [[4, 6]], [[5, 7]]]]


def test_split_softmax_is_over_what_two_branches_say_of_a_channel() -> None:
    x = np.log([1, 2, 3, 6, 1, 1, 3, 1]).reshape(1, 8, 1, 1)
    whole = np.ravel(mean(ops.SplitSoftmax(2), x))
    assert whole == pytest.approx([1 / 2, 2 / 3, 1 / 2, 6 / 7, 1 / 2, 1 / 3, 1 / 2, 1 / 7])
    halves = np.ravel(mean(ops.SplitSoftmax(2, groups=2), x))
    assert halves == pytest.approx([1 / 4, 1 / 4, 3 / 4, 3 / 4, 1 / 4, 1 / 2, 3 / 4, 1 / 2])
    x = np.array([1.0, 5.0, 3.0]).reshape(1, 3, 1, 1)
    assert mean(ops.ChannelMean(), x) == [[[[3]]]]
    assert mean(ops.ChannelMax(), x) == [[[[5]]]]


def test_what_shrinks_and_thresholds() -> None:
    x = np.array([-2.0, -0.5, -0.1, 0.0, 0.5, 0.6]).reshape(1, 1, 1, 6)
    assert np.ravel(mean(ops.HardShrink(0.5), x)).tolist() == [-2, 0, 0, 0, 0, 0.6]
    assert np.ravel(mean(ops.SoftShrink(0.5), x)) == pytest.approx([-1.5, 0, 0, 0, 0, 0.1])
    assert np.ravel(mean(ops.Threshold(-0.1, 7.0), x)).tolist() == [7, 7, 7, 0, 0.5, 0.6]
    assert np.ravel(mean(ops.TanhShrink(), x))[0] == pytest.approx(-2 + math.tanh(2))
    x = np.log([1, 3]).reshape(1, 2, 1, 1) + 1000
    assert np.ravel(mean(ops.LogSoftmax(), x)) == pytest.approx(np.log([1 / 4, 3 / 4]))


def test_attention_pools_by_the_softmax_of_the_last_channel() -> None:
    x = np.array([1.0, 2.0, 3.0, 60.0, 0.0, 6.0, *np.log([1, 2, 3])]).reshape(1, 3, 1, 3)
    assert np.ravel(mean(ops.GlobalAttentionPool(), x)) == pytest.approx([14 / 6, 78 / 6])
    x[:, 2] += 1000  # which is the same softmax
    (pooled,) = mean(ops.GlobalAttentionPool(True), x)
    assert np.shape(pooled) == (2, 1, 1)
    assert np.ravel(pooled) == pytest.approx([14 / 6, 78 / 6])


def test_responses_of_neighbours_and_of_the_whole_map() -> None:
    x = np.array([1.0, 2.0, 3.0]).reshape(1, 3, 1, 1)
    op = ops.LocalResponseNorm(2, alpha=2.0, beta=1.0, k=1.0)  # of a channel and the one before
    found = np.ravel(mean(op, x))
    assert found == pytest.approx([1 / (1 + 1), 2 / (1 + 1 + 4), 3 / (1 + 4 + 9)])
    x = np.array([3.0, 4.0, 0.0, 0.0]).reshape(1, 2, 1, 2)
    op = ops.GlobalResponseNorm(0.5)  # norms 5 and 0, whose mean is 2.5
    found = np.ravel(mean(op, x, weight=[2, 2], bias=[1, 7]))
    assert found == pytest.approx([3 + 6 * 5 / 3 + 1, 4 + 8 * 5 / 3 + 1, 7, 7])
    x = np.array([3.0, 0.3, 0.0, 4.0, 0.4, 0.0]).reshape(1, 2, 1, 3)  # norms 5, 0.5 and 0
    assert np.ravel(mean(ops.L2Norm(1.0), x)) == pytest.approx([0.6, 0.3, 0, 0.8, 0.4, 0])
    x = np.array([1.0, 10.0, 100.0]).reshape(1, 3, 1, 1)
    found = mean(ops.ChannelConv(3), x, weight=[[[1, 2, 3]]])
    assert np.ravel(found).tolist() == [32, 321, 210]


def test_gelu_keeps_its_digits_far_left() -> None:
    assert mean(ops.Gelu(), [[-20]]) == [[pytest.approx(-20 * 2.753624118606233e-89, rel=1e-13)]]


def test_functions_do_not_overflow() -> None:
    x = np.array([[[[-1e4, 1e4]]]])
    with np.errstate(all="raise", under="ignore"):
        for kind in ops.ACTIVATIONS.values():
            p = {one.leaf: np.ones(one.shape) for one in kind().parameters((1, 1, 2))}
            y = MEANINGS[kind](kind(), x, p, False)
            assert np.isfinite(y).all()
            assert np.isfinite(VJPS[kind](kind(), x, y, p, np.ones_like(x), False)[0]).all()


def test_selu_keeps_the_mean_and_the_variance_of_normal_values() -> None:
    x = np.random.default_rng(0).standard_normal((1, 1, 1000, 1000))
    y = MEANINGS[ops.Selu](ops.Selu(), x, {}, False)
    assert (y.mean(), y.var()) == pytest.approx((0.0, 1.0), abs=5e-3)


def test_running_variance_is_unbiased_and_momentum_weighs_the_new_batch() -> None:
    x, op = np.array([[1.0], [3.0]]), ops.BatchNorm(momentum=0.1)
    old = {"running_mean": np.array([10.0]), "running_var": np.array([10.0])}
    new = new_running_statistics(op, x, old)
    assert new["running_mean"] == pytest.approx(0.9 * 10 + 0.1 * 2)
    assert new["running_var"] == pytest.approx(0.9 * 10 + 0.1 * 2)  # not 0.1 * 1
    with pytest.raises(ValueError, match="more than one value"):
        new_running_statistics(op, x[:1], old)


@pytest.mark.parametrize("kind", [ops.Dropout, ops.StochasticDepth])
def test_random_operations_are_refused_in_training(kind: Any) -> None:
    x = np.ones((1, 2))
    with pytest.raises(ValueError, match="random in training"):
        MEANINGS[kind](kind(0.5), x, {}, True)
    assert MEANINGS[kind](kind(0.5), x, {}, False) is x
    assert MEANINGS[kind](kind(0), x, {}, True) is x


def network(*body: Node, channels: int = 1, **more: Any) -> Elaborated:
    """A network on maps of one pixel."""
    blocks = more.pop("blocks", {})
    return elaborate(
        Network("net", {"input": (channels, 1, 1)}, (Stage("all", body),), blocks, **more)
    )


def times(name: str | None, channels: int = 1) -> Layer:
    return Layer(ops.Conv(channels, (1, 1)), name)


def value(elaborated: Elaborated, factors: Mapping[str, float]) -> list[float]:
    """The output for ones, where each 1x1 convolution multiplies by its factor."""
    weights = {
        path: np.full(parameter.shape, factors[".".join(path[:-1])])
        for path, parameter, _ in parameters(elaborated)
    }
    (y,) = run(elaborated, weights, np.ones((1, *elaborated.network.input))).outputs
    assert y.shape[1:] == elaborated.output
    return list(y.ravel())


@pytest.mark.parametrize(
    ("shortcut", "tap_pre", "when", "wanted"),
    [
        ((times("s"),), True, True, 2 * 3 + 2 * 5),
        ((times("s"),), False, True, 2 * 3 + 5),
        ((), True, True, 2 * 3 + 1),
        ((times("s"),), True, False, 2 * 3),
    ],
)
def test_residual(shortcut: tuple[Node, ...], tap_pre: bool, when: bool, wanted: float) -> None:
    node = Residual((times("b"),), shortcut, pre=(times("p"),), tap_pre=tap_pre, when=when)
    assert value(network(node), {"p": 2, "b": 3, "s": 5}) == [wanted]


def test_joins() -> None:
    branches = (Branch((times("a"),)), Branch(()), Branch((times("b"), times("c"))))
    factors = {"a": 2, "b": 3, "c": 5}
    assert value(network(Join(JoinKind.ADD, branches, "add")), factors) == [2 + 1 + 15]
    assert value(network(Join(JoinKind.MULTIPLY, branches, "mul")), factors) == [2 * 1 * 15]
    assert value(network(Join(JoinKind.CONCAT, branches, "cat")), factors) == [2, 1, 15]


def test_a_gate_of_one_pixel_is_spread_over_the_map() -> None:
    gate = Branch((Layer(ops.GlobalAvgPool(keepdims=True), "pool"),))
    join = Join(JoinKind.MULTIPLY, (Branch(()), gate), "scale")
    made = elaborate(Network("net", {"input": (1, 1, 2)}, (Stage("all", (join,)),), {}))
    (y,) = run(made, {}, np.array([[[[1.0, 3.0]]]])).outputs
    assert y.tolist() == [[[[2, 6]]]]


def nested(**more: Any) -> Elaborated:
    """A repeated block with a residual, then a group of a layer and a loop."""
    body = Residual((times("conv"),), (), name="sum")
    block = Block("twice", Form.MODULE, (body, Layer(ops.Relu(), "relu")))
    group = Group((times(None), Loop(2, (times(None),))), "tail")
    call = Call("twice", (), "body", repeat=2, children="b{n}")
    return network(call, group, blocks={"twice": block}, **more)


def test_blocks_repeats_groups_and_loops() -> None:
    factors = {"body.b1.conv": 2, "body.b2.conv": 3, "tail.0": 5, "tail.1": 7, "tail.2": 11}
    assert value(nested(), factors) == [3 * 4 * 5 * 7 * 11]


def test_intermediate_values_in_the_order_of_execution() -> None:
    made = nested()
    result = run(made, random_weights(made), np.ones((2, 1, 1, 1)), keep=True)
    inner = ["conv", "sum", "relu"]
    wanted: list[Path] = [("body", b, *n) for b in ("b1", "b2") for n in (*zip(inner), ())]
    wanted += [("body",), ("tail", "0"), ("tail", "1"), ("tail", "2"), ("tail",)]
    assert list(result.values) == wanted
    assert result.values[("tail",)] is result.outputs[0]
    assert not run(made, random_weights(made), np.ones((2, 1, 1, 1))).values


def test_named_outputs_in_their_order() -> None:
    made = nested(outputs=("tail", "body"))
    every = run(made, random_weights(made), np.ones((2, 1, 1, 1)), keep=True).values
    found = run(made, random_weights(made), np.ones((2, 1, 1, 1)))
    assert [y.tolist() for y in found.outputs] == [
        every[(name,)].tolist() for name in ("tail", "body")
    ]
    assert not found.values
    with pytest.raises(InternalError, match="'nobody'"):
        run(nested(outputs=("nobody",)), random_weights(made), np.ones((2, 1, 1, 1)))


def test_running_statistics_by_path() -> None:
    made = network(Group((Layer(ops.BatchNorm(momentum=0.5)),), "norm"))
    x = np.array([1.0, 3.0]).reshape(2, 1, 1, 1)
    found = run(made, random_weights(made), x, training=True)
    assert set(found.running) == {("norm", "0", "running_mean"), ("norm", "0", "running_var")}
    assert not run(made, random_weights(made), x).running


def test_what_does_not_fit_is_refused() -> None:
    made = network(times("conv"))
    x = np.ones((1, 1, 1, 1))
    with pytest.raises(ValueError, match=r"no weight 'conv.weight'"):
        run(made, {}, x)
    with pytest.raises(ValueError, match=r"'conv.weight' is 1, not 1 x 1 x 1 x 1"):
        run(made, {("conv", "weight"): np.ones(1)}, x)
    with pytest.raises(ValueError, match="the input is 2 x 1 x 1"):
        run(made, random_weights(made), np.ones((1, 2, 1, 1)))


def scaled() -> Elaborated:
    layers = (
        Layer(ops.Conv(64, (3, 3), padding=(1, 1, 1, 1), bias=True), "conv"),
        Layer(ops.BatchNorm(), "bn"),
        Layer(ops.LayerScale(), "gamma"),
    )
    return network(*layers, channels=64)


def test_parameters_have_the_keys_of_a_state_dict() -> None:
    bn = [f"bn.{leaf}" for leaf in ("weight", "bias", "running_mean", "running_var")]
    found = [".".join(path) for path, _, _ in parameters(scaled())]
    assert found == ["conv.weight", "conv.bias", *bn, "gamma"]
    with pytest.raises(InternalError, match=r"'a.weight'"):
        list(parameters(network(times("a"), times("a"))))


def test_random_weights_depend_on_the_seed_and_the_path_alone() -> None:
    made = random_weights(scaled(), 3)
    fewer = random_weights(network(*scaled().network.body[1:], channels=64), 3)
    assert all(np.array_equal(made[path], fewer[path]) for path in fewer)
    assert not np.array_equal(made[("gamma",)], random_weights(scaled(), 4)[("gamma",)])
    assert made[("conv", "weight")].std() == pytest.approx(math.sqrt(2 / 576), rel=0.02)
    for leaf in ("weight", "running_var"):
        low, high = made[("bn", leaf)].min(), made[("bn", leaf)].max()
        scale = CALM if leaf == "weight" else 1.0
        assert 0.5 <= low / scale < 0.6
        assert 1.4 < high / scale < 1.5
    for path in (("conv", "bias"), ("bn", "running_mean"), ("gamma",)):
        assert made[path].std() == pytest.approx(0.1, rel=0.3)
    assert {array.dtype for array in made.values()} == {np.dtype(np.float64)}


def test_a_hundred_layers_neither_explode_nor_vanish() -> None:
    layers = []
    for i in range(100):
        layers += [times(f"c{i}", 32), Layer(ops.BatchNorm(), f"n{i}"), Layer(ops.Relu(), f"r{i}")]
    made = network(*layers, channels=32)
    (y,) = run(made, random_weights(made), np.ones((4, 32, 1, 1))).outputs
    assert 1e-2 < y.std() < 1e5


def test_seeded_weights_are_the_recorded_ones() -> None:
    made = seeded_weights(scaled())
    firsts = {
        "conv.weight": 0.05063168704509735,
        "conv.bias": -0.04515266418457031,
        "bn.weight": 1.3947656154632568,
        "bn.bias": -0.02961072511970997,
        "bn.running_mean": 0.03835867717862129,
        "bn.running_var": 0.9028597474098206,
        "gamma": 0.007652182597666979,
    }
    assert {".".join(p): float(v.ravel()[0]) for p, v in made.items()} == firsts
    assert {array.dtype for array in made.values()} == {np.dtype(np.float32)}
