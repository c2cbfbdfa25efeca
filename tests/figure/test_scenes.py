"""Every shipped network, in both styles: nothing overlaps, and pictures say what reports do."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

import pytest

from rescompile.api import Architecture, open_spec
from rescompile.conformance.networks import compiled
from rescompile.figure import figure
from rescompile.language.load import zoo

from .conftest import crossing, outside, overlapping, slanted

ROOT = Path(__file__).parents[2]
OTHERS = [
    *sorted((ROOT / "tests/regressions").glob("*.yaml")),
    *sorted((ROOT / "tests/unit/newcomers").glob("*.yaml")),
    *sorted((ROOT / "tests/mutation/specs").glob("*.yaml")),
]
SPECS = [*sorted(zoo()), *map(str, OTHERS)]
CONV = re.compile(r"conv(?: of width \d+)?, ")
SVG = "{http://www.w3.org/2000/svg}"
PAGE = 2.2  # the greatest ratio of a page's sides
SMALL = 500  # pixels that fit onto a page whatever their ratio is


@pytest.fixture(scope="module", params=SPECS, ids=lambda spec: Path(spec).stem)
def net(request: pytest.FixtureRequest) -> Architecture:
    return compiled(request.param)


def classes(svg: str) -> Counter[str]:
    """How often each class stands in an SVG document."""
    root = ElementTree.fromstring(svg)
    return Counter(word for e in root.iter() for word in e.get("class", "").split())


def test_a_folded_figure_is_a_page_on_which_nothing_overlaps(net: Architecture) -> None:
    scene = net.figure().scene
    assert not list(overlapping(scene))
    assert not list(crossing(scene))
    assert not list(outside(scene))
    assert not list(slanted(scene))
    small = max(scene.width, scene.height) < SMALL
    assert small or 1 / PAGE < scene.width / scene.height < PAGE


def test_a_paper_figure_has_a_box_a_layer_and_an_arc_a_shortcut(net: Architecture) -> None:
    picture = net.figure("paper")
    assert not list(overlapping(picture.scene))
    assert not list(crossing(picture.scene))
    assert not list(slanted(picture.scene))
    found = classes(picture.svg())
    rows = net.report("layer").rows
    assert found["identity"] == sum(row.what == "add identity shortcut" for row in rows)
    added = [row for row in rows if row.what.startswith("add ") and "shortcut" in row.what]
    assert found["identity"] + found["projection"] == len(added)
    tips = [e.text or "" for e in ElementTree.fromstring(picture.svg()).iter(f"{SVG}title")]
    on_shortcuts = sum(len(CONV.findall(tip)) for tip in tips if " shortcut: " in tip)
    assert found["layer"] + on_shortcuts == net.report("network").total.weighted_layers


def test_the_strip_tells_every_parameter_once(net: Architecture) -> None:
    """The facts beside the boxes add up to the network's."""
    from rescompile.cost.cost import Cost
    from rescompile.figure import folded

    told: list[Cost] = []
    outputs: Counter[str] = Counter()
    original = folded.told

    def noted(stage: str, output: str, cost: Cost) -> tuple[str, ...]:
        told.append(cost)
        outputs[output] += 1
        return original(stage, output, cost)

    try:
        folded.told = noted
        folded.strip(net.analysis)
    finally:
        folded.told = original
    total = net.report("network").total
    assert sum(cost.parameters for cost in told) == total.parameters
    assert sum(cost.macs for cost in told) == total.macs
    assert outputs <= Counter(label.text.text for label in net.figure().scene.labels)


def test_a_document_is_the_same_each_time_and_its_ids_are_its_own(net: Architecture) -> None:
    svg = net.figure().svg()
    assert svg == open_spec(net.document.path).figure().svg()
    ids = [e.get("id") for e in ElementTree.fromstring(svg).iter() if e.get("id")]
    assert len(ids) == len(set(ids))


def test_networks_side_by_side_are_aligned_by_the_size_of_their_outputs() -> None:
    """Fig. 3 of He et al. 2015: VGG-19, the plain network and the residual one."""
    nets = [open_spec(name).analysis for name in ("vgg19", "plain34", "resnet34")]
    scene = figure(nets, "paper").scene
    assert not list(overlapping(scene))
    assert not list(crossing(scene))
    starts: dict[int, dict[str, float]] = {}
    for box in scene.boxes:
        if box.colour is not None and box.kind in ("layer", "pool"):
            name = box.id.split(".")[0]
            at = starts.setdefault(box.colour, {})
            at[name] = min(at.get(name, box.y), box.y)
    levels = [set(at.values()) for at in starts.values() if len(at) == 3]
    assert len(levels) == 6  # 112, 56, 28, 14, 7, 1
    assert all(len(level) == 1 for level in levels)
    sizes = [label.text.text for label in scene.labels if "output size" in label.text.text]
    assert sizes == [f"output size: {n}" for n in (112, 56, 28, 14, 7, 1)]
