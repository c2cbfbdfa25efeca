"""Verdicts: rounding, cutting off, figures rounded before; and what a convention counts."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from rescompile.claims.check import check
from rescompile.claims.judge import PARTS, Verdict, judge, judge_ratio, measure, step_of, times
from rescompile.ir.elaborate import elaborate
from rescompile.ir.trace import Elaborated
from rescompile.language.load import find, load
from rescompile.language.models.claims import COUNTS, QUANTITIES
from rescompile.language.printed import Figure, read_figure
from rescompile.lower import lower
from rescompile.table import percent

from ..conftest import Write

PLAIN34, RESNET34, VGG19 = 3_644_493_824, 3_663_761_408, 19_632_062_464
HOLDS, AS_PRINTED, FAILS = Verdict.HOLDS, Verdict.AS_PRINTED, Verdict.FAILS

GATED = """\
stages:
  - conv: {channels: 8, kernel: 3, bias: true}
    name: conv1
  - norm: {}
    name: bn1
  - name: gate
    multiply:
      - []
      - - global_avg_pool: {keepdims: true}
          name: squeeze
        - conv: {channels: 8, kernel: 1}
          name: excite
  - name: block
    group:
      - max_pool: {kernel: 2}
        name: pool
head:
  - global_avg_pool: {}
  - linear: {features: $classes}
    name: fc
"""


def figure(text: str) -> Figure:
    found = read_figure(text)
    assert found is not None
    return found


def made(path: Path) -> Elaborated:
    return elaborate(lower(load(path)))


@pytest.fixture
def gated(write: Write) -> Elaborated:
    return made(write(GATED))


@pytest.mark.parametrize(
    ("printed", "exact", "verdict"),
    [
        ("3.6 x 10^9", 3_550_000_000, HOLDS),  # a half goes up
        ("3.6 x 10^9", 3_549_999_999, FAILS),
        ("3.6 x 10^9", 3_649_999_999, HOLDS),
        ("3.6 x 10^9", 3_650_000_000, AS_PRINTED),  # cut off
        ("3.6 x 10^9", 3_699_999_999, AS_PRINTED),
        ("3.6 x 10^9", 3_700_000_000, FAILS),
        ("34-layer", 34, HOLDS),
        ("34-layer", 33, FAILS),
        ("0.27M", 269_722, HOLDS),
        ("25.0 x 10^6", 25_050_000, AS_PRINTED),
        ("25 x 10^6", 25_050_000, HOLDS),  # fewer digits promise less
        ("2", 0, FAILS),
    ],
)
def test_a_figure_by_itself(printed: str, exact: int, verdict: Verdict) -> None:
    assert judge(figure(printed), exact).verdict is verdict


def test_the_exact_value_is_not_a_float() -> None:
    """As floats 0.285 and 28.5 % round to even or down; exactly it is a half, and goes up."""
    assert judge(figure("29%"), Fraction(285, 1000)).verdict is HOLDS
    assert judge(figure("28%"), Fraction(285, 1000)).verdict is AS_PRINTED
    huge = 10**17 + 1
    assert judge(figure(str(huge)), huge).verdict is HOLDS
    assert judge(figure(str(huge)), huge + 1).verdict is FAILS


def test_what_a_judgement_says() -> None:
    assert judge(figure("3.8 billion FLOPs"), 3_857_973_248).how == (
        "cut off; rounded it would be 3.9 billion FLOPs"
    )
    assert judge(figure("10.2M"), 10_327_706).how == "rounded it would be 10.3M"


def test_the_eighteen_percent() -> None:
    """`round(ratio) == 18` is false for both; cut off it is, and from the paper's figures."""
    figures = [figure("3.6 billion"), figure("19.6 billion")]
    for ours, exact in ((PLAIN34, "18.564 %"), (RESNET34, "18.662 %")):
        assert percent(Fraction(100 * ours, VGG19), 3) == exact
        found = judge_ratio(figure("18%"), ours, VGG19, figures)
        assert found.verdict is AS_PRINTED
        assert "cut off; rounded it would be 19%" in found.how
        assert "3.6 billion / 19.6 billion = 18.37 %" in found.how
        assert f"exactly {ours:,} / {VGG19:,}" in found.how
    assert judge_ratio(figure("19%"), PLAIN34, VGG19, figures).verdict is HOLDS
    assert judge_ratio(figure("20%"), PLAIN34, VGG19, figures).verdict is FAILS


def test_figures_alone_can_carry_a_ratio() -> None:
    """19.6 % exactly, 19.9 % from figures of which each is rounded as it should be."""
    ours, theirs = 3_850_000_000, 19_649_999_999
    figures = [figure("3.9 billion"), figure("19.6 billion")]
    assert judge_ratio(figure("19.9%"), ours, theirs).verdict is FAILS
    found = judge_ratio(figure("19.9%"), ours, theirs, figures)
    assert found.verdict is AS_PRINTED
    assert "cut off" not in found.how
    assert judge_ratio(figure("19.8%"), ours, theirs, figures).verdict is FAILS


def test_figures_that_are_wrong_carry_nothing() -> None:
    found = judge_ratio(figure("50%"), PLAIN34, VGG19, [figure("9.8 billion"), figure("19.6 G")])
    assert found.verdict is FAILS
    assert "9.8 billion does not hold" in found.how


def test_a_factor() -> None:
    assert judge_ratio(figure("8x deeper"), 152, 19).verdict is HOLDS
    assert judge_ratio(figure("8x deeper"), 151, 19).verdict is HOLDS
    assert judge_ratio(figure("8.0x"), 151, 19).verdict is FAILS
    assert times(Fraction(152, 19), 3) == "8.000 x"


def test_conventions_by_hand(gated: Elaborated) -> None:
    conv, excite, fc = 8 * 3 * 9, 8 * 8, 8 * 10
    assert measure(gated, "layers") == 2
    assert measure(gated, "parameters") == conv + 8 + 16 + excite + fc + 10
    assert measure(gated, "parameters", ["weights"]) == conv + excite + fc
    assert measure(gated, "parameters", ["biases"]) == 8 + 10
    assert measure(gated, "parameters", ["norms"]) == 16
    assert measure(gated, "macs") == conv * 32 * 32 + excite + fc
    assert measure(gated, "macs", ["convolutions"]) == conv * 32 * 32 + excite
    assert measure(gated, "macs", ["linear"]) == fc
    assert measure(gated, "macs", ["global_pools"]) == 8 * 32 * 32 + 8 * 16 * 16
    assert measure(gated, "macs", ["products"]) == 8 * 32 * 32
    assert measure(gated, "macs", ["linear", "linear"]) == fc


def test_gates_of_a_whole_network() -> None:
    """Hu et al. 2017, section 4: 3.87 with what gates do besides, 3.86 without (Table 1)."""
    net = made(find("se_resnet50"))
    maps = 3 * 256 * 56**2 + 4 * 512 * 28**2 + 6 * 1024 * 14**2 + 3 * 2048 * 7**2
    assert measure(net, "macs", ["products"]) == maps
    assert measure(net, "macs", ["global_pools"]) == maps + 2048 * 7**2
    assert judge(figure("3.86 GFLOPs"), measure(net, "macs")).verdict is HOLDS
    everything = measure(net, "macs", COUNTS["macs"])
    assert judge(figure("3.87 GFLOPs"), everything).verdict is HOLDS


def test_the_language_names_what_can_be_counted() -> None:
    assert {key: set(words) for key, words in COUNTS.items()} == {
        key: set(words) for key, words in PARTS.items()
    }
    assert set(COUNTS) < set(QUANTITIES)


def test_steps_are_found_by_path(gated: Elaborated) -> None:
    shapes = {"conv1": (8, 32, 32), "block.pool": (8, 16, 16), "squeeze": (8, 1, 1), "fc": (10,)}
    found = {path: step_of(gated, path)[0] for path in shapes}
    assert {path: step.y for path, step in found.items() if step} == shapes
    assert step_of(gated, "block.poll") == (None, ("block.pool",))
    assert "conv1" in step_of(gated, "conv2")[1]
    step, _ = step_of(made(find("resnet34")), "layer2.0.conv1")
    assert step is not None
    assert step.y == (128, 28, 28)


def test_a_figure_may_be_of_a_single_step() -> None:
    found = {one.claim: one.value for one in check(["googlenet_2014"]).findings}
    assert found["MACs of inception3a"] == 784 * 163_328
    assert found["MACs of linear"] == 1000 * 1024
