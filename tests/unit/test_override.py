"""Values of a spec that are changed for once, in Python; and specs that are no files."""

from __future__ import annotations

from typing import Any

import pytest

import rescompile
from rescompile.errors import SpecError

MAPPING: dict[str, Any] = {
    "rescompile": 1,
    "name": "small",
    "input": {"channels": 3, "height": 8, "width": 8},
    "stem": [{"conv": {"channels": 4, "kernel": 3}}],
}
TEXT = """\
rescompile: 1
name: small
input: {channels: 3, height: 8, width: 8}
stem:
  - conv: {channels: 4, kernel: 3}
"""


def total(**changes: Any) -> Any:
    return rescompile.load("resnet34", **changes).report("network").total


def test_classes_and_size_of_a_shipped_network() -> None:
    """torchvision's resnet34(num_classes=10) has 21,289,802 parameters."""
    net = rescompile.load("resnet34", size=64, classes=10)
    assert net.analysis.network.input == (3, 64, 64)
    assert net.report("network").total.parameters == 21_289_802
    assert "specs/resnet34.yaml with size=64, classes=10" in " ".join(net.source().split())


def test_images_of_one_channel() -> None:
    grey, colour = total(channels=1), total()
    assert colour.parameters - grey.parameters == 2 * 64 * 7 * 7


@pytest.mark.parametrize("size", ["64x96", (64, 96)])
def test_a_size_that_is_no_square(size: Any) -> None:
    assert rescompile.load("resnet34", size=size).analysis.network.input == (3, 64, 96)


def test_a_name() -> None:
    net = rescompile.load("resnet34", name="mine")
    assert net.name == "mine"
    assert "def mine(" in net.source()


@pytest.mark.parametrize(
    "changes",
    [["stages.layer3.repeat=23"], {"stages.layer3.repeat": 23}, ["stages.2.repeat=23"]],
)
def test_a_place_by_names_or_numbers(changes: Any) -> None:
    """With 23 blocks where ResNet-50 has 6, it is ResNet-101."""
    made = rescompile.load("resnet50", set=changes).report("network").total
    assert made == rescompile.load("resnet101").report("network").total


def test_a_parameter_by_itself() -> None:
    """EfficientNet-B1 is B0 with a depth of 1.1; torchvision's has 7,794,184 parameters."""
    net = rescompile.load("efficientnet_b0", set={"depth": 1.1})
    assert net.report("network").total.parameters == 7_794_184


def test_defaults() -> None:
    net = rescompile.load("resnet34", set={"defaults.norm.epsilon": 0.001})
    assert "eps=0.001" in net.source()


def test_a_step_is_dropped_by_null() -> None:
    net = rescompile.load("resnet34", set=["stages.layer4=null"])
    assert [stage.label for stage in net.analysis.network.stages][-2:] == ["layer3", "head"]
    assert rescompile.load("resnet34", set={"stages.layer4": None}).report() == net.report()


def test_what_is_changed_is_the_call_alone() -> None:
    before = total()
    total(classes=10)
    assert total() == before


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("stages.layer9.repeat=2", ("there is no step 'layer9' here", "did you mean 'layer1'")),
        ("clases=10", ("unknown key 'clases'", "did you mean 'classes'?")),
        ("stages.layer3.repeat=two", ("expected a whole number or an expression", ":1:22")),
        ("classes", ("this is no change of a spec",)),
        ("=3", ("this is no change of a spec",)),
        ("stages..repeat=3", ("this is no change of a spec",)),
        ("stages.layer3.repeat.x=2", ("there is nothing inside of 6 to change",)),
        ("parameters.q=3", ("there is no parameter 'q'",)),
        ("nothing.at.all=3", ("there is no 'nothing' to change",)),
        ("size=64y", ("expected a whole number, found '64y'",)),
        ("stages.layer3=[", ("",)),
        ("classes=0", ("classes",)),
    ],
)
def test_a_wrong_change_is_told_with_its_text(change: str, said: tuple[str, ...]) -> None:
    with pytest.raises(SpecError) as caught:
        rescompile.load("efficientnet_b0" if "parameters" in change else "resnet34", set=[change])
    for part in (f"the change {change!r}", *said):
        assert part in str(caught.value)


def test_a_mapping_and_a_text_are_specs() -> None:
    from_mapping, from_text = rescompile.load(MAPPING), rescompile.load(TEXT)
    assert from_mapping.report().total == from_text.report().total
    assert from_mapping.source().partition("import")[2] == from_text.source().partition("import")[2]


def test_what_is_wrong_in_them_has_a_place() -> None:
    with pytest.raises(SpecError, match=r"--> a text:5:5"):
        rescompile.load(TEXT.replace("conv:", "convv:"))
    with pytest.raises(SpecError, match=r"--> a mapping:\d+:\d+"):
        rescompile.load({**MAPPING, "stem": [{"convv": {}}]})
