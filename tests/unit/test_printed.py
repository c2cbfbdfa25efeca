"""Printed figures: value, precision and kind, all from the string, all exact."""

from __future__ import annotations

from fractions import Fraction

import pytest

from rescompile.language.printed import Kind, read_figure, read_size

M, G = 10**6, 10**9


@pytest.mark.parametrize(
    ("text", "value", "step"),
    [
        ("34-layer", 34, 1),
        ("ResNet-1202", 1202, 1),
        ("20", 20, 1),
        ("16 weight layers", 16, 1),
        ("0.27M", 270_000, 10_000),
        ("19.4M", 19_400_000, 100_000),
        ("138 million", 138 * M, M),
        ("300M", 300 * M, M),
        ("25.0 x 10^6", 25 * M, 100_000),
        ("3.6 x 10^9", 3_600_000_000, 100_000_000),
        ("3.6 \u00d7 10^9 FLOPs", 3_600_000_000, 100_000_000),
        ("3.6 billion FLOPs", 3_600_000_000, 100_000_000),
        ("3.87 GFLOPs", 3_870_000_000, 10_000_000),
        ("4.089 GFLOPS", 4_089_000_000, 1_000_000),
        ("300M MAdds", 300 * M, M),
        ("44,549,160", 44_549_160, 1),
        ("2 Blocks", 2, 1),
    ],
)
def test_counts(text: str, value: int, step: int) -> None:
    figure = read_figure(text)
    assert figure is not None
    assert (figure.value, figure.step, figure.kind) == (value, step, Kind.COUNT)
    assert figure.text == text == figure.say(int(figure.value / figure.step))


@pytest.mark.parametrize(
    ("text", "kind", "value", "step"),
    [
        ("only 18% of", Kind.PERCENT, Fraction(18, 100), Fraction(1, 100)),
        ("0.26 %", Kind.PERCENT, Fraction(26, 10_000), Fraction(1, 10_000)),
        ("8x deeper", Kind.TIMES, 8, 1),
        ("8\u00d7 deeper", Kind.TIMES, 8, 1),
        ("1.5 times", Kind.TIMES, Fraction(3, 2), Fraction(1, 10)),
    ],
)
def test_ratios(text: str, kind: Kind, value: Fraction, step: Fraction) -> None:
    figure = read_figure(text)
    assert figure is not None
    assert (figure.kind, figure.value, figure.step) == (kind, value, step)


def test_other_values_in_the_same_words() -> None:
    said = {
        "3.6 x 10^9": (37, "3.7 x 10^9"),
        "0.05M": (7, "0.07M"),
        "18%": (19, "19%"),
        "1,234": (1_234_567, "1,234,567"),
    }
    for text, (steps, wanted) in said.items():
        figure = read_figure(text)
        assert figure is not None
        assert figure.say(steps) == wanted


@pytest.mark.parametrize(
    "text", ["", "many", "VGG-16/19", "15.3/19.6 billion", "28x28", "1 to 2", "1 x 10^99", "15,3"]
)
def test_no_figure_or_several(text: str) -> None:
    assert read_figure(text) is None


def test_sizes() -> None:
    assert read_size("28x28") == (28, 28)
    assert read_size("28 \u00d7 28 x 256") == (28, 28, 256)
    assert read_size("28") is None
    assert read_size("8x28x28x256x1") is None
    assert read_size("28x28 maps") is None
