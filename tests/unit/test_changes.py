"""Where the shape changes: one decision, in numbers and in the code, whatever changes the shape."""

from __future__ import annotations

import random
import re
from collections import Counter
from itertools import product

import pytest
from click.testing import CliRunner

from rescompile import ops
from rescompile.api import Architecture, open_spec
from rescompile.cli import main
from rescompile.errors import InternalError, SpecError, UnsupportedError
from rescompile.expr.dims import text
from rescompile.ir.invariants import prove
from rescompile.ir.resizing import spread
from rescompile.ops import KEEPS, Op, Resize
from rescompile.registry import backend_names

from ..conftest import Write

MODES = (ops.Resampling.NEAREST, ops.Resampling.BILINEAR)
SIZES = range(60, 184, 12)  # all strides and scales here divide them


def windows() -> list[Op]:
    """Sliding windows with each attribute at several values."""
    found: list[Op] = []
    for kernel, stride, pads in product((1, 2, 3, 5), (1, 2, 3), ((0, 0), (1, 1), (0, 1), (2, 2))):
        quad = (*pads, *pads)
        found += [ops.Conv(8, (kernel, kernel), (stride, stride), quad, (d, d)) for d in (1, 2)]
        if 2 * max(pads) <= kernel:
            for kind, ceil in product((ops.MaxPool, ops.AvgPool), (False, True)):
                found.append(kind((kernel, kernel), (stride, stride), quad, ceil))
    found += [ops.Conv(8, (k, k), (s, s), ops.Same.SAME) for k, s in product((1, 2, 3), (1, 2, 3))]
    return found


def others() -> list[Op]:
    spread = [
        ops.ConvTranspose(8, (k, k), (s, s), (p, p), (more, more))
        for k, s, p, more in product((1, 2, 3, 4), (1, 2, 3), (0, 1), (0, 1))
        if more < s
    ]
    scale = [ops.Upsample(s, mode) for s, mode in product((1, 2, 3), MODES)]
    scale += [kind(s) for kind in (ops.DepthToSpace, ops.SpaceToDepth) for s in (1, 2)]
    rest: list[Op] = [
        ops.Pad((1, 2, 0, 1), ops.PadMode.REPLICATE),
        ops.Crop((1, 0, 0, 1)),
        ops.GlobalAvgPool(True),
        ops.GlobalMaxPool(True),
        ops.Permute(True),
        ops.PadChannels(1, 2),
    ]
    rest += [ops.SliceChannels(0, 4), ops.ChannelShuffle(2), ops.LayerNorm(1e-5), ops.Relu()]
    return [*spread, *scale, *rest]


@pytest.mark.parametrize("op", [*windows(), *others()], ids=repr)
def test_what_an_operation_tells_is_what_it_does(op: Op) -> None:
    rows, columns = spread(op.resizes(), 2)
    for height, width in zip(SIZES, reversed(SIZES), strict=True):
        assert op.output((8, height, width))[1:] == (after(rows, height), after(columns, width))


def after(axis: Resize, n: int) -> int:
    numbers = [n for n in (axis.up, axis.down, axis.more) if isinstance(n, int)]
    up, down, more = numbers
    return 1 if axis.fixed else n * up // down + more


def test_a_fixed_size_is_what_any_map_gets() -> None:
    op = ops.AdaptiveAvgPool((3, 4))
    assert op.resizes() == (ops.Resize(fixed=True),)
    assert {op.output((8, height, height + 1)) for height in range(1, 20)} == {(8, 3, 4)}


def test_every_operation_that_changes_sizes_tells_so() -> None:
    telling = {op for op in ops.OPS if op.resizes is not Op.resizes}
    assert telling == {
        ops.Conv,
        ops.StdConv,
        ops.ConvTranspose,
        ops.MaxPool,
        ops.AvgPool,
        ops.AdaptiveAvgPool,
        ops.AdaptiveMaxPool,
        ops.GlobalAvgPool,
        ops.GlobalMaxPool,
        ops.GlobalAttentionPool,
        ops.Flatten,
        ops.Crop,
        ops.Unflatten,
        ops.Pad,
        ops.Upsample,
        ops.UpsampleTo,
        ops.DepthToSpace,
        ops.SpaceToDepth,
    }


def test_axes_are_apart() -> None:
    rows, columns = ops.Conv(8, (3, 5), (2, 1), (1, 1, 0, 0)).resizes()
    assert (rows, columns) == (Resize(down=2), Resize(more=-4))
    rows, columns = ops.ConvTranspose(8, (2, 3), (2, 1), (0, 1)).resizes()
    assert (rows, columns) == (Resize(up=2), KEEPS)


SPEC = """\
blocks:
  unit:
    parameters: {parameters}
    body:
      - residual:
          branch:
{branch}
          shortcut: {{steps: [{shortcut}], where: shape_changes}}
{inner}stem:
  - conv: {{channels: 8, kernel: 3}}
stages:
{stages}
head: [global_avg_pool: {{}}, linear: {{features: 10}}]
"""


INNER = """\
  inner:
    parameters: {p: {type: int}}
    sequence:
      - conv: {channels: 8, kernel: 3, stride: $p}
"""


def spec(branch: list[str], shortcut: str, calls: list[str]) -> str:
    """A block with a residual, called with several values; it has the parameters that it reads."""
    steps = "\n".join(f"            - {step}" for step in branch)
    read = {name for name in "pqc" if f"${name}" in steps + shortcut}
    types = ", ".join(f"{name}: {{type: int{DEFAULTS[name]}}}" for name in sorted(read))
    inner = INNER if "inner" in steps else ""
    stages = "\n".join(f"  - {_given(one, read)}" for one in calls)
    return SPEC.format(
        parameters=f"{{{types}}}", inner=inner, branch=steps, shortcut=shortcut, stages=stages
    )


DEFAULTS = {"p": "", "q": "", "c": ", default: 8"}


def _given(one: str, read: set[str]) -> str:
    """A call without what its block does not take."""
    if "block" not in one:
        return one
    return re.sub(r", ([pqc]): \d+", lambda found: found[0] if found[1] in read else "", one)


def network(write: Write, branch: list[str], shortcut: str, calls: list[str]) -> Architecture:
    """The network of `spec`; 32 x 32 pixels enter the first call."""
    return open_spec(write(spec(branch, shortcut, calls)))


def call(p: int, more: str = "") -> str:
    return f"{{block: unit, p: {p}{more}}}"


CONV = "conv: {channels: 8, kernel: 3}"
STRIDED = "conv: {channels: 8, kernel: 1, stride: 2}"
DOUBLED = "upsample: {scale: 2}"
VALID = "conv: {channels: 8, kernel: 3, padding: 0}"

TOLD = {
    "a stride": (["conv: {channels: 8, kernel: 3, stride: $p}"], STRIDED, [1, 2], "$p != 1"),
    "columns alone": (
        ["conv: {channels: 8, kernel: 3, stride: [1, $p]}"],
        "conv: {channels: 8, kernel: 1, stride: [1, 2]}",
        [1, 2],
        "$p != 1",
    ),
    "a pool": (["max_pool: {kernel: $p}"], STRIDED, [1, 2], "$p != 1"),
    "an upsampling": (["upsample: {scale: $p}"], DOUBLED, [1, 2], "$p != 1"),
    "bilinear": (["upsample: {scale: $p, mode: bilinear}"], DOUBLED, [1, 2], "$p != 1"),
    "a transposed convolution": (
        ["conv_transpose: {channels: 8, kernel: $p, stride: $p}"],
        DOUBLED,
        [1, 2],
        "$p != 1",
    ),
    "a transposed convolution's padding": (
        ["conv_transpose: {channels: 8, kernel: 3, padding: $p}"],
        "conv_transpose: {channels: 8, kernel: 3}",
        [1, 0],
        "$p != 1",
    ),
    "padding": (["conv: {channels: 8, kernel: 3, padding: $p}"], VALID, [1, 0], "$p != 1"),
    "a kernel without padding": (
        ["conv: {channels: 8, kernel: $p, padding: 0}"],
        VALID,
        [1, 3],
        "$p != 1",
    ),
    "dilation without its padding": (
        ["conv: {channels: 8, kernel: 3, padding: 1, dilation: $p}"],
        VALID,
        [1, 2],
        "$p != 1",
    ),
    "a pool's padding": (
        ["max_pool: {kernel: 3, stride: 1, padding: $p}"],
        VALID,
        [1, 0],
        "$p != 1",
    ),
    "a step that is not always there": (
        [CONV, "{max_pool: {kernel: 2}, when: $p > 3}"],
        STRIDED,
        [3, 4],
        "$p > 3",
    ),
    "a gathering to one pixel": (
        [CONV, "{global_avg_pool: {keepdims: true}, when: $p > 3}"],
        "global_avg_pool: {keepdims: true}",
        [3, 4],
        "$p > 3",
    ),
    "in a block": (["{block: inner, p: $p}"], STRIDED, [1, 2], "$p != 1"),
    "in a repeated block": (
        ["{block: inner, name: two, repeat: 2, p: $p}"],
        "conv: {channels: 8, kernel: 1, stride: 4}",
        [1, 2],
        "$p * $p != 1",
    ),
    "in a join": (
        [
            "multiply: [[{conv: {channels: 8, kernel: 3, stride: $p}}],"
            " [{conv: {channels: 8, kernel: 3, stride: 2}}, {global_avg_pool: {keepdims: true}}]]"
        ],
        STRIDED,
        [1, 2],
        "$p != 1",
    ),
    "in a join, after its gate": (
        [
            "multiply: [[{conv: {channels: 8, kernel: 3, stride: 2}},"
            " {global_avg_pool: {keepdims: true}}], [{conv: {channels: 8, kernel: 3, stride: $p}}]]"
        ],
        STRIDED,
        [1, 2],
        "$p != 1",
    ),
    "there and back": (
        ["conv: {channels: $c, kernel: 3, stride: 2}", DOUBLED],
        "conv: {channels: 16, kernel: 1}",
        [(1, ""), (1, ", c: 16")],
        "$c != 8",
    ),
    "not all the way back": (
        ["conv: {channels: 8, kernel: 3, stride: $p}", DOUBLED],
        DOUBLED,
        [2, 1],
        "$p != 2",
    ),
}


@pytest.mark.parametrize("case", TOLD.values(), ids=TOLD)
def test_the_condition_tells_the_calls_apart(
    write: Write, case: tuple[list[str], str, list[int | tuple[int, str]], str]
) -> None:
    branch, shortcut, values, expected = case
    calls = [call(*value) if isinstance(value, tuple) else call(value) for value in values]
    made = network(write, branch, shortcut, calls)
    (change,) = made.analysis.changes.values()
    assert text(change.condition()) == expected
    for backend in backend_names():
        made.source(backend)  # is proved to be the network


def test_calls_that_differ_in_size_alone_are_refused(write: Write) -> None:
    pool = "global_avg_pool: {keepdims: true}"
    made = network(write, [pool], pool, [call(1), call(1)])
    with pytest.raises(SpecError) as caught:
        _ = made.analysis
    (found,) = caught.value.diagnostics
    assert (found.code, found.label) == (
        "E211",
        "8 x 32 x 32 becomes 8 x 1 x 1; 8 x 1 x 1 stays as it is",
    )
    assert found.location is not None
    result = CliRunner().invoke(main, ["verify", str(made.document.path)])
    assert isinstance(result.exception, SystemExit), result.exception
    assert "error[E211]" in result.output


def test_a_fixed_size_is_a_change_where_the_map_had_another(write: Write) -> None:
    """In every call, or in some of them: then no expression tells, unless the channels do."""
    step = "adaptive_avg_pool: {size: 7}"
    made = network(write, [step], step, [call(1)])
    assert not made.analysis.changes
    sources = [made.source(backend) for backend in backend_names()]
    assert len(sources) == len(backend_names())
    with pytest.raises(SpecError, match="no expression tells"):
        _ = network(write, [step], step, [call(1), call(1)]).analysis


def test_sizes_that_do_not_come_back(write: Write) -> None:
    """An odd map through half its size and back is larger by one; an even map is not."""
    there = ["conv: {channels: 8, kernel: 3, stride: 2}", DOUBLED]
    shortcut = "conv: {channels: 8, kernel: 2, padding: 1}"
    calls = [call(1), VALID.replace("kernel: 3", "kernel: 2"), call(1)]
    with pytest.raises(SpecError, match="no expression tells"):
        _ = network(write, there, shortcut, calls).analysis


def test_calls_that_agree_need_no_expression(write: Write) -> None:
    pool = "global_avg_pool: {keepdims: true}"
    made = network(write, [pool], pool, [call(1)])
    assert not made.analysis.changes
    for backend in backend_names():
        of_block = re.split("class Mine|def mine", made.source(backend))[0]
        assert "if " not in of_block.split("\n\n\n")[-2]


@pytest.mark.parametrize("gate", ["avg_pool: {kernel: 32}", "max_pool: {kernel: [32, 32]}"])
def test_a_gate_is_not_the_way_of_the_map(write: Write, gate: str) -> None:
    """Its window has the stride of the whole map, but the product has the map's own size."""
    for ways in (f"[{gate}], []", f"[], [{gate}]"):
        made = network(write, [f"multiply: [{ways}]"], STRIDED, [call(1)])
        words = [trace.op.word for _, trace in made.analysis.elaborated.flat()]
        assert words == ["conv", gate.split(":")[0], "global_avg_pool", "linear"]


def test_the_network_itself_and_its_groups(write: Write) -> None:
    step = (
        "  - residual: {branch: [{upsample: {scale: 2}}],"
        " shortcut: {steps: [{upsample: {scale: 2}}], where: shape_changes}}\n"
    )
    group = "  - group: [{residual: {branch: [{conv: {channels: 3, kernel: 3, padding: 0}}],"
    group += " shortcut: {steps: [{conv: {channels: 3, kernel: 3, padding: 0}}],"
    group += " where: shape_changes}}}]\n"
    made = open_spec(write(f"stages:\n{step}{group}head: []\n"))
    assert made.analysis.elaborated.output == (3, 62, 62)
    for backend in backend_names():
        made.source(backend)


def test_a_projection_goes_around_a_block_with_earlier_values(write: Write) -> None:
    hourglass = """\
blocks:
  hourglass:
    parameters: {s: {type: int}}
    body:
      - conv: {channels: 8, kernel: 3, stride: $s}
        name: first
      - max_pool: {kernel: 2}
      - upsample: {scale: 2}
      - concat: [[], [from: first]]
  unit:
    parameters: {s: {type: int}}
    body:
      - residual:
          branch: [{block: hourglass, s: $s}]
          shortcut: projection
stem: [conv: {channels: 16, kernel: 3}]
stages:
  - {block: unit, s: 1}
  - {block: unit, s: 2}
head: [global_avg_pool: {}, linear: {features: 10}]
"""
    made = open_spec(write(hourglass))
    (change,) = made.analysis.changes.values()
    assert text(change.condition()) == "$s != 1"
    for backend in backend_names():
        made.source(backend)


def test_lint_compares_conditions_with_decisions(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = network(write, ["upsample: {scale: $p}"], DOUBLED, [call(1), call(2)])
    analysis = made.analysis
    prove(analysis)
    (change,) = analysis.changes.values()
    monkeypatch.setattr(type(change), "condition", lambda self, entering=None: False)
    with pytest.raises(InternalError, match="decided otherwise"):
        prove(analysis)


def test_lint_compares_each_when_with_its_decision(write: Write) -> None:
    branch = [CONV, "{max_pool: {kernel: 3, stride: 1, padding: 1}, when: $p > 3}"]
    analysis = network(write, branch, CONV, [call(3), call(4)]).analysis
    instance = analysis.elaborated.instances["unit"][0]
    for key, taken in instance.decisions.items():
        if key[1] == "when" and taken is False:
            instance.decisions[key] = True  # type: ignore[index]
    with pytest.raises(InternalError, match="decided otherwise"):
        prove(analysis)


def test_lint_compares_the_folded_network_with_the_spec(write: Write) -> None:
    one = network(write, [CONV], CONV, [call(1), call(2)])
    other = network(write, [VALID], VALID, [call(1), call(2)])
    with pytest.raises(InternalError, match="folding changes"):
        prove(one.analysis, other.lowered)


def drawn(rng: random.Random) -> tuple[list[str], list[str]]:
    """A branch over two parameters, and calls of it that may differ in shape."""
    whole = ["1", "2", "$p", "$q", "$p * $q"]

    def step() -> str:
        k, s, p = rng.choice(["1", "2", "3", "$p"]), rng.choice(whole), rng.choice(["0", "1", "$q"])
        kinds = [
            f"conv: {{channels: {rng.choice(['8', '8 * $p'])}, kernel: 3, stride: {s}}}",
            f"conv: {{channels: 8, kernel: {k}, stride: [1, {s}]}}",
            f"conv: {{channels: 8, kernel: 3, padding: {p}}}",
            f"conv: {{channels: 8, kernel: {k}, dilation: {s}, padding: {p}}}",
            f"conv: {{channels: 8, kernel: {k}, stride: {s}, padding: same}}",
            f"max_pool: {{kernel: 3, stride: {s}, padding: 1, ceil_mode: true}}",
            f"avg_pool: {{kernel: {s}}}",
            f"upsample: {{scale: {s}}}",
            f"conv_transpose: {{channels: 8, kernel: {s}, stride: {s}}}",
            f"conv_transpose: {{channels: 8, kernel: 3, padding: {p}}}",
            f"group: [{{upsample: {{scale: {s}}}}}, {{max_pool: {{kernel: 2}}}}]",
            f"{{block: inner, p: {s}}}",
        ]
        made = rng.choice(kinds)
        if made.startswith("{") or rng.random() < 0.7:
            return made
        return f"{{{made}, when: $p {rng.choice(['> 1', '== 1'])}}}"

    values = [(rng.choice([1, 2]), rng.choice([1, 2])) for _ in range(3)]
    return [CONV, *(step() for _ in range(rng.randrange(1, 4)))], [
        f"{{block: unit, p: {p}, q: {q}}}" for p, q in values
    ]


def test_drawn_residuals_are_built_as_decided_or_refused(write: Write) -> None:
    """The shortcut is the branch once more, so that it fits wherever it is taken."""
    counts: Counter[str] = Counter()
    for seed in range(80):
        branch, calls = drawn(random.Random(seed))
        try:
            made = network(write, branch, ", ".join(branch), calls)
            counts["changes"] += len(made.analysis.changes)
            for backend in backend_names():
                made.source(backend)  # is proved to be the network
            counts["built"] += 1
        except (SpecError, UnsupportedError) as error:
            for found in error.diagnostics if isinstance(error, SpecError) else ():
                counts[found.code] += 1
    assert counts["built"] >= 60
    assert counts["changes"] >= 20
    assert set(counts) <= {"built", "changes", "E201", "E211"}  # a window that does not fit
