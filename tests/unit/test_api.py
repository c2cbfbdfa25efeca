"""The Python API: what there is to find in it, and that what is wrong with a call is said."""

from __future__ import annotations

import copy
import doctest
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest

import rescompile
from rescompile import SpecError, load, overview

SPEC = {
    "rescompile": 1,
    "name": "mine",
    "input": {"channels": 3, "height": 8, "width": 8},
    "stem": [{"conv": {"channels": 4, "kernel": 3}}],
}


@pytest.fixture(scope="module")
def net() -> rescompile.Architecture:
    return load("resnet18")


def test_it_shows_what_it_has() -> None:
    assert {*dir(rescompile)} == {*rescompile.__all__, "__version__"}
    assert all(getattr(rescompile, name) for name in dir(rescompile))
    with pytest.raises(AttributeError, match="has no attribute 'laod'"):
        rescompile.laod  # type: ignore[attr-defined]  # noqa: B018


def test_the_examples_of_load_are_so() -> None:
    assert load.__name__ == "load"
    assert pickle.loads(pickle.dumps(load)) is load
    examples = doctest.DocTestFinder().find(load, "load", rescompile, {})
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    assert [runner.run(one) for one in examples] == [doctest.TestResults(0, 6)]


def test_networks_are_equal_by_what_their_specs_say(net: rescompile.Architecture) -> None:
    same, other = load("resnet18"), load("resnet18", classes=10)
    assert net == same
    assert hash(net) == hash(same)
    assert net != other
    assert net != "resnet18"
    assert len({net, same, other, load(SPEC), load({**SPEC})}) == 3
    assert load({**SPEC, "name": "yours"}) != load(SPEC)


@pytest.mark.parametrize("spec", ["resnet18", SPEC], ids=["file", "mapping"])
@pytest.mark.parametrize("again", [copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))])
def test_networks_are_copied_and_pickled(
    spec: rescompile.api.Source, again: Callable[[object], object]
) -> None:
    net = load(spec, set={"input.height": 64})
    source = net.source()
    made = again(net)
    assert isinstance(made, rescompile.Architecture)
    assert made == net
    assert made.source() == source
    assert [str(one) for one in made.warnings()] == [str(one) for one in net.warnings()]


@pytest.mark.parametrize(
    ("call", "answer"),
    [
        (lambda net: net.report(by="stages"), "did you mean 'stage'?"),
        (lambda net: net.report(by=3), "known: block, layer, network, stage"),
        (lambda net: net.figure(style="papper"), "did you mean 'paper'?"),
        (lambda net: net.figure(open=["layer11"]), "did you mean 'layer1'?"),
        (lambda net: net.figure().data(".gif"), "one of .svg, .tex, .pdf, .png"),
        (lambda net: net.module("x"), "known: "),
        (lambda net: net.module(dtype="float23"), "did you mean 'float32'?"),
        (lambda net: net.source("x"), "known: "),
        (lambda net: net.source(3), "known: "),
        (lambda net: net.diff("resnet43"), "did you mean 'resnet34'?"),
        (lambda net: net.versus("resnet43"), "did you mean 'resnet34'?"),
        (lambda net: overview([net], sort="mac"), "did you mean 'macs'?"),
        (lambda net: overview([net], where="mac < 3"), "did you mean 'macs'?"),
        (lambda net: overview(["resnet43"]), "did you mean 'resnet34'?"),
        (lambda net: overview("resnet43"), "did you mean 'resnet34'?"),
        (lambda net: rescompile.plot([net], x="mac"), "did you mean 'macs'?"),
        (lambda net: rescompile.plot([net], color="familie"), "did you mean 'family'?"),
        (lambda net: rescompile.plot([net], log="z"), 'log is True for both, "x" or "y"'),
        (lambda net: load("resnet18", set={"clases": 3}), "did you mean 'classes'?"),
        (lambda net: load("resnet18", set="clases=3"), "did you mean 'classes'?"),
        (lambda net: load("resnet18", set={"classes": {3}}), "write mappings, lists, texts"),
        (lambda net: load({**SPEC, "title": object()}), "write mappings, lists, texts"),
        (lambda net: load({**SPEC, "classes": float("nan")}), "write mappings, lists, texts"),
        (lambda net: load("resnet18", size=(1, 2, 3)), "or one for the sides of an image"),
    ],
)
def test_what_is_wrong_is_said(
    net: rescompile.Architecture, call: Callable[[object], object], answer: str
) -> None:
    with pytest.raises(SpecError) as raised:
        call(net)
    assert answer in raised.value.diagnostics[0].help


@pytest.mark.parametrize("spec", [3, None, b"rescompile: 1\n"])
def test_what_is_no_spec_at_all_is_a_wrong_type(spec: rescompile.api.Source) -> None:
    with pytest.raises(TypeError, match="a spec is opened from a path, the name of a network"):
        load(spec)


def test_networks_are_named_or_opened(net: rescompile.Architecture, tmp_path: Path) -> None:
    both = overview([net, "resnet34"], sort="-macs")
    assert [row["name"] for row in both.rows] == ["resnet34", "resnet18"]
    assert net.diff("resnet18").text() == net.diff(net).text()
    assert len(overview("resnet18").rows) == len(overview(net).rows) == 1
    assert [row["family"] for row in overview([SPEC]).rows] == ["mine"]
