"""What a notebook shows of a network, a report and a difference."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rescompile import markup
from rescompile.api import Architecture, open_spec

from ..conftest import Write
from .parsed import Element, parse
from .test_hostile import NASTY, SPEC, shown


def things(net: Architecture, other: Architecture) -> dict[str, Any]:
    return {
        "architecture": net,
        "figure": net.figure(),
        "report": net.report("layer"),
        "difference": net.diff(other),
        "no difference": net.diff(net),
        "comparison": net.versus(other),
    }


THINGS = list(things(open_spec("resnet34"), open_spec("plain34")))


def cell(thing: Any) -> Element:
    return parse(thing._repr_html_())


@pytest.fixture(scope="module")
def shipped() -> dict[str, Any]:
    return things(open_spec("resnet34"), open_spec("plain34"))


def test_a_network_is_one_line() -> None:
    assert repr(open_spec("resnet34")) == (
        "<resnet34: input 3 x 224 x 224, 21,797,672 parameters, 3,663,761,408 MACs>"
    )


def test_answers_are_one_line_as_well(shipped: dict[str, Any]) -> None:
    assert {name: repr(thing) for name, thing in shipped.items() if name != "architecture"} == {
        "figure": "<figure of ResNet-34>",
        "report": "<report of resnet34 by layer: 124 rows>",
        "difference": "<difference from resnet34 to plain34: in 16 places>",
        "no difference": "<difference from resnet34 to resnet34: none>",
        "comparison": "<comparison of resnet34 with plain34>",
    }


def test_a_wrong_network_has_a_line_too_and_no_html(write: Write) -> None:
    net = open_spec(write("stages:\n  - {block: missing}\n"))
    assert repr(net) == "<mine: 1 error>"
    assert net._repr_html_() is None


@pytest.mark.parametrize("name", THINGS)
def test_cells_do_not_meet_and_have_no_colours(name: str, shipped: dict[str, Any]) -> None:
    for element in cell(shipped[name]).walk():
        assert not element.attributes.keys() & {"id", "class"}
        assert element.tag not in ("style", "script", "svg", "a")
        assert "color" not in element.attributes.get("style", "")
        assert "background" not in element.attributes.get("style", "")
        assert not any(key.startswith("on") for key in element.attributes)


def test_a_network_shows_its_totals(shipped: dict[str, Any]) -> None:
    text = cell(shipped["architecture"]).text
    (image,) = cell(shipped["architecture"]).all("img")
    assert image.attributes["alt"] == "Figure of ResNet-34"
    assert image.attributes["src"].startswith("data:image/svg+xml;base64,")
    for part in ("ResNet-34", "21,797,672 parameters", "3,663,761,408 MACs", "6.42 MB alive"):
        assert part in text


def test_a_report_is_a_table(shipped: dict[str, Any]) -> None:
    report = open_spec("resnet34").report()
    made = cell(report)
    rows = made.one("tbody").all("tr")
    assert [row.one("th").text for row in rows] == [row.name for row in report.rows] + ["total"]
    assert rows[1].all("td")[3].text == "221,952"
    assert {one.attributes["scope"] for one in made.one("thead").all("th")} == {"col"}


def test_a_difference_tells_places_and_costs(shipped: dict[str, Any]) -> None:
    text = cell(shipped["difference"]).text
    assert "resnet34 -> plain34" in text
    assert "shortcut projection -> none" in text
    assert "parameters: 21,797,672 -> 21,623,848" in text
    assert "no difference" in cell(shipped["no difference"]).text


def test_a_comparison_has_honest_percentages(shipped: dict[str, Any]) -> None:
    assert "100.529 %" in cell(shipped["comparison"]).text


@pytest.mark.parametrize("what", NASTY)
def test_text_stays_text(what: str, write: Write) -> None:
    nasty, harmless = (
        things(made, open_spec("plain34"))
        for made in (
            open_spec(write(SPEC.format(text=json.dumps(text)), head=""))
            for text in (NASTY[what], "harmless")
        )
    )
    for name in THINGS:
        made = cell(nasty[name])
        tags = [(one.tag, tuple(one.attributes)) for one in made.walk()]
        assert tags == [(one.tag, tuple(one.attributes)) for one in cell(harmless[name]).walk()]
    assert shown(NASTY[what]) in cell(nasty["architecture"]).text
    assert shown(NASTY[what]) in cell(nasty["comparison"]).text


def test_what_cannot_be_seen_is_shown() -> None:
    assert markup.text("a\x1b[1m\u202e<&'\"") == "a\\x1b[1m\\u202e&lt;&amp;&#x27;&quot;"
