"""The Keras emitter: what it proves before it writes, what it refuses, and what it writes."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest

from rescompile.api import Architecture, open_spec
from rescompile.emit.borders import Padding
from rescompile.emit.functions.convolutions import find_sites
from rescompile.emit.layout import statement
from rescompile.emit.summary import docstring
from rescompile.emit.table import complement, number
from rescompile.ir.structure import Initializer
from rescompile.registry import get_backend
from rescompile_keras.initialise import initializer

Write = Callable[..., Path]
HEAD = "\nhead: [{global_avg_pool: {}}, {linear: {features: $classes}}]\n"


@pytest.fixture
def net(write: Write) -> Callable[[str], Architecture]:
    return lambda text: open_spec(write(text))


# -- proofs --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("conv", "ways"),
    [
        ("kernel: 3", {Padding.SAME, Padding.HALF, Padding.GIVEN}),
        ("kernel: 3, stride: 2", {Padding.HALF, Padding.GIVEN}),
        ("kernel: 1, stride: 2", {Padding.SAME, Padding.HALF, Padding.VALID, Padding.GIVEN}),
        ("kernel: 3, padding: 0", {Padding.VALID, Padding.GIVEN}),
        ("kernel: 4, padding: 1", {Padding.GIVEN}),
        ("kernel: [1, 7], padding: [0, 3]", {Padding.SAME, Padding.GIVEN}),
        ("kernel: 3, padding: [1, 0, 1, 1]", {Padding.GIVEN}),
        ("kernel: 3, stride: 2, padding: same", {Padding.SAME}),
        ("kernel: 5, dilation: 2", {Padding.SAME, Padding.HALF, Padding.GIVEN}),
    ],
)
def test_ways_of_padding(net: Callable[[str], Architecture], conv: str, ways: set[Padding]) -> None:
    made = net(f"stem: [{{conv: {{channels: 4, {conv}}}}}]{HEAD}")
    (site,) = find_sites(made.analysis)
    assert site.paddings == ways


def test_one_convolution_is_depthwise_in_some_calls(net: Callable[[str], Architecture]) -> None:
    made = net(
        """
blocks:
  b: {parameters: {groups: {type: int}}, body: [{conv: {channels: 6, kernel: 3, groups: $groups}}]}
stages: [{name: s1, block: b, groups: 1}, {name: s2, block: b, groups: 6}]"""
        + HEAD
    )
    (site,) = find_sites(made.analysis)
    assert site.either
    assert "if groups == 1:" in made.source("keras")
    assert "layers.DepthwiseConv2D(" in made.source("keras")


# -- initialisers --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "multiplier", "text"),
    [
        (Initializer(mode="fan_out"), "1", '2.0, "fan_in"'),
        (Initializer(mode="fan_out"), "3", '2.0 / 3, "fan_in"'),
        (Initializer(mode="fan_in"), "3", '2.0 * 3, "fan_out"'),
        (Initializer(True, Fraction(1, 3), "fan_in"), "2", '1 / 3 * 2, "fan_out", "uniform"'),
    ],
)
def test_depthwise_fans(how: Initializer, multiplier: str, text: str) -> None:
    assert text in statement(initializer(how, multiplier))


def test_no_initialiser_is_shared(net: Callable[[str], Architecture]) -> None:
    """Keras gives every layer of a shared initialiser the same values."""
    source = net("stem: [{conv: {channels: 4, kernel: 3}}]" + HEAD).source("keras")
    top = [line for line in source.splitlines() if line and not line.startswith((" ", ")", "#"))]
    assert not any("initializers" in line for line in top)


# -- text ----------------------------------------------------------------------------------------


def test_numbers_are_written_by_hand() -> None:
    assert [number(x) for x in (1e-5, 0.001, 1.0, 1e20)] == ["1e-5", "0.001", "1.0", "1e20"]
    assert [number(complement(x)) for x in (0.1, 0.01, 0.003)] == ["0.9", "0.99", "0.997"]


@pytest.mark.parametrize(
    "about",
    ['x"""\nimport os; os.system("true") #', '"""', "\\", 'ends "quoted"', '"q"', "long " * 60, ""],
)
def test_no_text_ends_a_docstring_early(about: str) -> None:
    lines = ["def f():", *docstring(about), "    return 1"]
    scope: dict[str, Callable[[], int]] = {}
    exec("\n".join(lines), scope)  # must be a function that does nothing but return 1
    assert scope["f"]() == 1
    assert all(len(line) <= 100 for line in lines)
    assert sum(line.lstrip().startswith("import") for line in lines) == 0


def test_no_parameter_hides_a_name(net: Callable[[str], Architecture]) -> None:
    source = net(
        """
blocks:
  conv:
    parameters: {x: {type: int}, layers: {default: 3}, start: {default: 1}, i: {default: 1}}
    body:
      - concat:
          conv: [{conv: {channels: $x, kernel: $layers}}]
          keras: [{conv: {channels: $start, kernel: $i}}]
stages: [{name: a, block: conv, x: 3}, {name: b, block: conv, x: 4, layers: 1, start: 2, i: 3}]
"""
        + HEAD
    ).source("keras")
    assert "def conv_block(" in source
    assert "x_: int, layers_: int = 3, start_: int = 1, i: int = 1" in source
    assert "conv_ = conv(x, x_, layers_" in source


# -- refusals ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            "stem: [{conv: {channels: 4, kernel: 3, stride: 2}, name: c}, {norm: {}, name: c_pad}]",
            "both would be the layer 'c_pad'",
        ),
        ("stem: [{pad_channels: {after: 1}, name: pad}]", "Keras gives the name 'pad' to"),
        (
            "stem: [{conv: {channels: 4, kernel: 3, stride: [2, 1], dilation: 2, padding: 2}}]",
            "each must be one number",
        ),
        (
            "stem: [{avg_pool: {kernel: [3, 1], stride: 2, padding: [1, 0]}}]",
            "must be square",
        ),
        (
            "stem: [{max_pool: {kernel: 2, stride: 3, ceil_mode: true}}]",
            "the stride must not exceed the kernel less the padding",
        ),
    ],
)
def test_what_is_refused(net: Callable[[str], Architecture], text: str, reason: str) -> None:
    (found,) = get_backend("keras").unsupported(net(text + HEAD).analysis)
    assert reason in found


def test_a_network_cannot_take_a_name_of_the_file(write: Write) -> None:
    head = "rescompile: 1\nname: layers\ninput: {channels: 3, height: 8, width: 8}\nclasses: 2\n"
    path = write("stem: [{conv: {channels: 4, kernel: 3}}]" + HEAD, head=head)
    (found,) = get_backend("keras").unsupported(open_spec(path).analysis)
    assert "'layers' is a name that the emitted file needs itself" in found


def test_a_deep_network_raises_the_limit_on_recursion() -> None:
    """Keras recurses over the layers of a path: 4,210 of ResNet-1202, where Python allows 1,000."""
    source = open_spec("resnet1202_cifar").source("keras")
    assert "\nimport sys\n\nimport keras\n" in source
    assert "    sys.setrecursionlimit(max(sys.getrecursionlimit(), 8_000))  # Keras" in source
    assert "import sys" not in open_spec("preact_resnet200").source("keras")
