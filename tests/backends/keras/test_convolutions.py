"""Convolutions of every form beside each other: the helpers that they share are right for both.

A helper takes what varies between its calls. Each form of an attribute (a number, a pair, an
expression over a block's parameters, nothing) is put beside each other one, since what one of them
needs must not break the other.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from itertools import combinations
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from rescompile.api import Architecture, open_spec
from rescompile.errors import UnsupportedError
from rescompile.reference import run
from rescompile.reference.deviation import relative_error
from rescompile.reference.weights import random_weights
from rescompile.worker.client import Worker
from rescompile_keras.layers import Style

WIDTH = 8  # the channels that enter each form
Form = tuple[str, dict[str, Any], list[dict[str, int]]]  # the step, and the arguments of its calls


def conv(**options: Any) -> Form:
    calls = options.pop("calls", [{}])
    return "conv", {"channels": 8, "kernel": 3, **options}, calls


def depthwise(**options: Any) -> Form:
    calls = options.pop("calls", [{}])
    return "depthwise_conv", {"kernel": 3, **options}, calls


FORMS: dict[str, Form] = {
    "plain": conv(),
    "strided": conv(stride=2),
    "strided_pixel": conv(kernel=1, stride=2),
    "stride_pair": conv(stride=[2, 1]),
    "stride_parameter": conv(stride="$s", calls=[{"s": 1}, {"s": 2}]),
    "stride_pair_of_parameters": conv(stride=["$s", 1], calls=[{"s": 1}, {"s": 2}]),
    "dilated": conv(dilation=2),
    "dilation_pair": conv(dilation=[1, 2]),
    "strided_and_dilated": conv(stride=2, dilation=2),
    "stride_or_dilation": conv(
        stride="$s", dilation="$d", calls=[{"s": 1, "d": 2}, {"s": 2, "d": 1}, {"s": 2, "d": 2}]
    ),
    "no_padding": conv(padding=0),
    "padding_of_four_sides": conv(padding=[1, 0, 2, 1]),
    "padding_parameter": conv(padding="$p", calls=[{"p": 0}, {"p": 2}]),
    "padding_same": conv(stride=2, padding="same"),
    "even_kernel": conv(kernel=2, padding=1),
    "kernel_pair": conv(kernel=[1, 3]),
    "kernel_parameter": conv(kernel="$k", calls=[{"k": 1}, {"k": 5}]),
    "bias": conv(bias=True),
    "grouped": conv(groups=2),
    "full_or_depthwise": conv(groups="$g", calls=[{"g": 1}, {"g": 8}]),
    "grouped_or_depthwise": conv(channels=16, groups="$g", calls=[{"g": 8}, {"g": 8}, {"g": 16}]),
    "grouped_or_multiplied": conv(channels=16, groups="$g", calls=[{"g": 8}, {"g": 2}]),
    "depthwise_in_one_call_of_two_strides": conv(
        groups="$g", stride=["$s", 1], calls=[{"g": 8, "s": 1}, {"g": 8, "s": 2}]
    ),
    "depthwise": depthwise(),
    "depthwise_strided": depthwise(stride=2),
    "depthwise_stride_pair": depthwise(stride=[2, 1]),
    "depthwise_strided_and_dilated": depthwise(stride=2, dilation=2, bias=True),
    "depthwise_kernel_pair": depthwise(kernel=[3, 1]),
    "multiplier": depthwise(multiplier=2),
    "multiplier_parameter": depthwise(multiplier="$m", calls=[{"m": 1}, {"m": 2}]),
    "multiplier_and_stride": depthwise(
        multiplier="$m", stride="$s", calls=[{"m": 1, "s": 1}, {"m": 2, "s": 2}]
    ),
    "multiplier_of_groups": conv(
        channels="$c", groups="$g", calls=[{"c": 16, "g": 8}, {"c": 16, "g": 16}]
    ),
}


def steps(name: str, channels: int) -> tuple[list[dict[str, Any]], int]:
    """The calls of a form's block, behind what brings the channels to WIDTH; what leaves them."""
    word, options, calls = FORMS[name]
    made: list[dict[str, Any]] = []
    if channels != WIDTH:
        made.append({"name": f"{name}_in", "conv": {"channels": WIDTH, "kernel": 1}})
    made += [{"name": f"{name}{i}", "block": name, **call} for i, call in enumerate(calls)]
    if word == "conv":
        wide = options["channels"]
        return made, calls[-1]["c"] if wide == "$c" else wide
    factor = options.get("multiplier", 1)
    return made, WIDTH * prod(call["m"] if factor == "$m" else factor for call in calls)


def network(*names: str) -> str:
    """A network in which each of some forms is a block, called as often as it has calls."""
    blocks, stages, channels = {}, [], WIDTH
    for name in names:
        word, options, calls = FORMS[name]
        parameters = {key: {"type": "int"} for key in calls[0]}
        body = [{word: options, "name": "c"}]
        blocks[name] = {"parameters": parameters, "body": body}
        made, channels = steps(name, channels)
        stages += made
    spec = {"rescompile": 1, "name": "mine", "blocks": blocks, "stages": stages}
    size = {"channels": WIDTH, "height": 19, "width": 22}
    return yaml.safe_dump({**spec, "input": size, "head": [{"global_avg_pool": {}}]})


def compiled(folder: Path, names: tuple[str, ...]) -> Architecture:
    path = folder / "mine.yaml"
    path.write_text(network(*names), "utf-8")
    return open_spec(path)


PAIRS = list(combinations(FORMS, 2))


@pytest.mark.parametrize("first", FORMS)
def test_the_source_is_proved_for_every_pair(tmp_path: Path, first: str) -> None:
    """It is executed, and proved to be the network, before it is given."""
    for names in PAIRS:
        if names[0] == first:
            compiled(tmp_path, names).source("keras")


@pytest.fixture(scope="module")
def keras() -> Iterator[Worker]:
    """On TensorFlow, the engine that takes least: its depthwise layers have one stride."""
    missing = [m for m in ("keras", "tensorflow") if importlib.util.find_spec(m) is None]
    if missing:
        pytest.skip(f"needs {', '.join(missing)}")
    with Worker("keras:tensorflow") as worker:
        yield worker


def agrees(keras: Worker, made: Architecture, path: Path) -> None:
    elaborated = made.analysis.elaborated
    x = np.random.default_rng(7).standard_normal((2, *elaborated.network.input))
    (wanted,) = run(elaborated, random_weights(elaborated, 3), x).outputs
    (got,) = keras.run(path / "mine.yaml", x.astype(np.float32), weights=3)
    assert relative_error(got, wanted) < 1e-5


@pytest.mark.parametrize("name", FORMS)
def test_convolutions_by_themselves(keras: Worker, tmp_path: Path, name: str) -> None:
    agrees(keras, compiled(tmp_path, (name,)), tmp_path)


@pytest.mark.slow
def test_convolutions_beside_each_other(keras: Worker, tmp_path: Path) -> None:
    """Of the pairs that have the same helpers one."""
    seen: set[str] = set()
    for names in PAIRS:
        made = compiled(tmp_path, names)
        functions = [one.function() for one in Style(made.analysis).convs if one.is_function]
        text = "\n".join(line for f in functions for line in (f.signature, *f.lines))
        if text not in seen:
            agrees(keras, made, tmp_path)
        seen.add(text)


@pytest.mark.parametrize(
    ("names", "wanted"),
    [
        (("strided", "strided_and_dilated"), ["conv"]),
        (("stride_pair", "plain", "strided_and_dilated"), ["conv", "dilated_conv"]),
        (("full_or_depthwise", "plain"), ["conv"]),
        (("plain", "full_or_depthwise", "depthwise_stride_pair"), ["conv", "grouped_conv"]),
        (("depthwise", "multiplier_parameter"), ["depthwise_conv"]),
    ],
)
def test_what_one_helper_cannot_serve_gets_another(
    tmp_path: Path, names: tuple[str, ...], wanted: list[str]
) -> None:
    helpers = Style(compiled(tmp_path, names).analysis).convs
    assert [helper.name for helper in helpers if helper.is_function] == wanted


def test_what_no_padding_is_right_for_is_refused(tmp_path: Path) -> None:
    """A strided and dilated `same`, beside one that only zeros around the map are right for."""
    steps = [
        {"depthwise_conv": {"kernel": 3, "stride": 2, "dilation": 2, "padding": "same"}},
        {"depthwise_conv": {"kernel": 5, "dilation": 2, "padding": 0}},
    ]
    spec = {
        "rescompile": 1,
        "name": "mine",
        "input": {"channels": 4, "height": 24, "width": 24},
        "stem": steps,
    }
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(spec), "utf-8")
    with pytest.raises(UnsupportedError, match="no Keras layer has a stride, a dilation"):
        open_spec(path).source("keras")
