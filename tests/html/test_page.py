"""The page as a document: its policy, its structure, and that it says what the reports say."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from functools import cache
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import pytest

from rescompile.api import open_spec
from rescompile.claims.check import check
from rescompile.errors import SpecError
from rescompile.figure import figure
from rescompile.html import page
from rescompile.registry import default_backends, get_backend

from ..conftest import Write
from .parsed import Element, parse

PAGES = {
    "one": (("resnet34",), None),
    "two": (("plain34", "resnet34"), None),
    "versus": (("plain34",), "vgg19"),
    "several": (("resnet18", "googlenet_aux", "unet", "mobilenet_v3_small"), None),
}


@cache
def text(name: str) -> str:
    specs, versus = PAGES[name]
    return page([open_spec(spec) for spec in specs], open_spec(versus) if versus else None)


@cache
def tree(name: str) -> Element:
    return parse(text(name))


every_page = pytest.mark.parametrize("name", PAGES)


# -- what the browser is told ---


@every_page
def test_the_policy_allows_the_page_itself_and_nothing_else(name: str) -> None:
    root = tree(name)
    policy = root.one("meta", **{"http-equiv": "Content-Security-Policy"}).attributes["content"]
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    digests = {
        tag: b64encode(sha256(root.one(tag).text.encode()).digest()).decode()
        for tag in ("style", "script")
    }
    assert rules == {
        "default-src": "'none'",
        "style-src": f"'sha256-{digests['style']}'",
        "script-src": f"'sha256-{digests['script']}'",
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    head = [one.attributes for one in root.one("head").all("meta", "style", "link")]
    assert [next(iter(one), "style") for one in head[:2]] == ["charset", "http-equiv"]


@every_page
def test_nothing_is_loaded_and_nothing_runs_but_the_one_script(name: str) -> None:
    for element in tree(name).walk():
        for key, value in element.attributes.items():
            assert not key.startswith("on"), (element.tag, key)
            assert key not in ("style", "srcset", "action", "formaction", "ping"), element.tag
            if key in ("href", "src"):
                assert value.startswith(("#", "data:")), value
    assert "url(" not in tree(name).one("style").text
    assert "@import" not in tree(name).one("style").text


# -- structure ---


@every_page
def test_ids_are_unique_and_all_that_refers_to_one_finds_it(name: str) -> None:
    elements = list(tree(name).walk())
    ids = [one.attributes["id"] for one in elements if "id" in one.attributes]
    assert len(ids) == len(set(ids))
    links = [one.attributes.get("href", "") for one in elements if one.tag == "a"]
    labels = [one.attributes.get("aria-labelledby", "") for one in elements]
    assert {link.removeprefix("#") for link in links} <= {*ids}
    assert {*labels} - {""} <= {*ids}


@every_page
def test_headings_are_in_order(name: str) -> None:
    levels = [int(one.tag[1]) for one in tree(name).all("h1", "h2", "h3", "h4")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


@every_page
def test_tables_are_for_screen_readers_too(name: str) -> None:
    tables = tree(name).all("table")
    assert tables
    for table in tables:
        assert table.one("caption").text.strip()
        columns = table.one("thead").all("th")
        assert all(one.attributes == {"scope": "col"} for one in columns)
        for line in [row for part in table.all("tbody", "tfoot") for row in part.all("tr")]:
            cells = line.all("th", "td")
            assert len(cells) == len(columns)
            assert cells[0].attributes == {"scope": "row"}
            assert {one.tag for one in cells[1:]} == {"td"}
    for bar in tree(name).all("svg"):
        assert bar.attributes["aria-hidden"] == "true"


@every_page
def test_what_scrolls_can_be_reached_by_keyboard_and_has_a_name(name: str) -> None:
    regions = [one for one in tree(name).walk() if one.attributes.get("role") == "region"]
    assert regions
    for one in regions:
        assert one.attributes["tabindex"] == "0"
        assert one.attributes.keys() & {"aria-labelledby", "aria-label"}
    assert all(one.attributes["tabindex"] == "0" for one in tree(name).all("pre"))


@every_page
def test_the_page_is_whole_without_its_script(name: str) -> None:
    """What only works with it is hidden, and what is folded is so by the browser itself."""
    body = tree(name).one("body")
    tools = [one for one in body.all("p") if one.attributes.get("class") == "tools"]
    hidden = [button for one in tools for button in one.all("button")]
    assert hidden == body.all("button")
    assert all("hidden" in one.attributes for one in tools)
    assert all(one.inside and one.all("summary") for one in body.all("details"))


def test_the_skip_link_comes_first_and_every_image_has_words() -> None:
    body = tree("one").one("body")
    assert body.all("a")[0].attributes == {"class": "skip", "href": "#main"}
    assert body.by_id("main").tag == "main"
    folded, paper = (image.attributes for image in body.all("img"))
    assert "layer1 (basic_block x 3) to 64 \u00d7 56 \u00d7 56" in folded["alt"]
    assert "ResNet-34, layer by layer" in paper["alt"]


def drawn(image: Element) -> str:
    kind, _, data = image.attributes["src"].partition(",")
    assert kind == "data:image/svg+xml;base64"
    return b64decode(data).decode()


def test_figures_are_those_of_the_network() -> None:
    net = open_spec("resnet34")
    found = [drawn(image) for image in tree("one").all("img")]
    assert found == [net.figure().svg(), net.figure("paper").svg()]


def test_two_networks_are_drawn_side_by_side() -> None:
    analyses = [open_spec(spec).analysis for spec in ("plain34", "resnet34")]
    (both,) = tree("two").by_id("pair-1").all("img")
    assert drawn(both) == figure(analyses, "paper").svg()


def test_too_many_layers_are_not_drawn_one_by_one() -> None:
    images = parse(page([open_spec("efficientnet_b7")])).all("img")
    assert len(images) == 1


# -- content ---


def cells(table: Element) -> list[list[str]]:
    """The text of a table's body, without second lines."""
    rows = table.one("tbody").all("tr")
    return [["".join(map(str, cell.inside[:1])) for cell in row.all("th", "td")] for row in rows]


def table(name: str, id: str) -> Element:
    (found,) = (one for one in tree(name).all("table") if one.one("caption").attributes["id"] == id)
    return found


@pytest.mark.parametrize("view", ["stage", "block", "layer"])
def test_tables_of_costs_have_the_rows_of_the_report(view: str) -> None:
    report = open_spec("resnet34").report(view)
    found = cells(table("one", f"net-1-{view}"))
    assert [row[0] for row in found] == [row.name for row in report.rows]
    assert [row[3] for row in found] == [f"{row.cost.parameters:,}" for row in report.rows]
    assert [row[4] for row in found] == [f"{row.cost.macs:,}" for row in report.rows]
    foot = table("one", f"net-1-{view}").one("tfoot").all("td")
    assert foot[3].text == "3,663,761,408"


def test_bars_are_as_long_as_the_numbers_say() -> None:
    rows = table("one", "net-1-stage").one("tbody").all("tr")
    widths = [row.all("td")[3].one("rect").attributes["width"] for row in rows]
    macs = [row.cost.macs for row in open_spec("resnet34").report().rows]
    assert widths == [f"{100 * n / max(macs):.1f}%" for n in macs]


def test_the_layer_table_tells_what_is_alive() -> None:
    found = cells(table("one", "net-1-layer"))
    assert found[1][0] == "bn1"
    assert found[1][-1] == "6.42 MB"
    assert cells(table("one", "net-1-alive")) == [
        ["conv1", "64 \u00d7 112 \u00d7 112", "3.21 MB"],
        ["bn1", "64 \u00d7 112 \u00d7 112", "3.21 MB"],
    ]


def test_the_totals_are_told_at_the_top() -> None:
    text = " ".join(tree("one").one("dl", **{"class": "totals"}).text.split())
    for told in ("21,797,672", "3,663,761,408", "7,327,522,816", "34 layers", "6,422,528 bytes"):
        assert told in text
    assert "899 px of layer4; full after it" in text


def test_claims_have_their_verdicts() -> None:
    found = check(["resnet34"])
    shown = cells(table("one", "net-1-claims"))
    assert [row[:4] for row in shown] == [
        [f.claim, f.verdict.value, f.printed, f.exact] for f in found.findings
    ]
    assert tree("one").by_id("net-1-claims-about").text == "Claims"
    assert "6 hold, 2 hold as printed, 0 fail" in text("one")


def test_warnings_have_their_places(write: Write) -> None:
    spec = write("extends: resnet50_v1_5\nallow: []\n", head="rescompile: 1\nname: mine\n")
    root = parse(page([open_spec(spec)]))
    warnings = root.one("ul", **{"class": "warnings"})
    assert warnings.one("strong").text == "F101"
    place = warnings.one("p", **{"class": "place"}).text
    assert re.fullmatch(r"specs/blocks/resnet_v1_5.yaml:\d+:\d+", place)
    line, caret = warnings.one("pre").text.split("\n")
    assert line[caret.index("^") :].startswith("conv:")


def test_every_backend_has_its_source() -> None:
    """The text is the emitted file's, whatever the colours."""
    net = open_spec("resnet34")
    titles = ["Spec", *(get_backend(name).title for name in default_backends())]
    sources = [net.resolved(), *(net.source(name) for name in default_backends())]
    section = tree("one").all("section")[-2]
    assert [one.text for one in section.all("h3")] == titles
    assert [one.text for one in section.all("pre")] == sources
    assert section.all("span", "code")


def test_a_backend_that_cannot_express_a_network_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    from rescompile.html import sources

    backend = get_backend(default_backends()[0])
    monkeypatch.setattr(type(backend), "unsupported", lambda *_: ["layer1: no <such> thing"])
    net = open_spec("resnet18")
    made = sources.sources(net)[1]
    assert (made.title, made.reasons) == (backend.title, ("layer1: no <such> thing",))
    assert "no &lt;such&gt; thing" in page([net])


def test_two_networks_are_compared_and_told_apart() -> None:
    root = tree("two")
    assert root.one("h1").text == "Plain-34 and ResNet-34"
    assert [row[0] for row in overview("two")] == ["Plain-34", "ResNet-34"]
    pair = root.by_id("pair-1")
    assert pair.one("h3").text == "ResNet-34 against Plain-34"
    assert "shortcut none -> projection" in pair.text
    assert "100.529 %" in pair.text


def overview(name: str) -> list[list[str]]:
    rows = table(name, "overview").one("tbody").all("tr")
    return [[row.all("th")[0].all("a", "th")[-1].text, row.text] for row in rows]


def test_versus_is_compared_and_not_reported() -> None:
    root = tree("versus")
    assert root.one("h1").text == "Plain-34 against VGG-19"
    macs = cells(table("versus", "pair-1-ratios"))[1]
    assert macs == [
        "MACs",
        "3,644,493,824",
        "19,632,062,464",
        "18.564 %",
        "3.6 / 19.6 G",
        "18.37 %",
    ]
    assert [one.one("h2").text for one in root.all("details") if one.all("h2")] == ["Plain-34"]
    rows = cells(table("versus", "overview"))
    assert [row[1:3] for row in rows] == [
        ["21,623,848", "3,644,493,824"],
        ["143,667,240", "19,632,062,464"],
    ]
    columns = [one.text for one in table("versus", "overview").one("thead").all("th")]
    assert (columns[1:3], columns[6]) == (["Parameters", "MACs"], "Layers")
    assert [row[6] for row in rows] == ["34", "19"]


def test_of_many_networks_each_is_folded_and_none_paired() -> None:
    root = tree("several")
    networks = [one for one in root.all("details") if one.attributes.get("class") == "network"]
    assert len(networks) == 4
    assert not any("open" in one.attributes for one in networks)
    assert "pair-1" not in text("several")
    assert [one.text for one in root.one("nav").all("a")] == [
        "Comparison",
        *(open_spec(spec).report().title for spec in PAGES["several"][0]),
        "How it is counted",
    ]


def test_equal_networks_say_so() -> None:
    text = page([open_spec("resnet18"), open_spec("resnet18")])
    assert "Nothing: both compute the same function" in text
    parse(text)


def test_what_is_wrong_with_several_is_told_at_once(write: Write) -> None:
    nets = [
        open_spec(write(f"stages:\n  - {{block: {name}}}\n", name)) for name in ("here", "there")
    ]
    with pytest.raises(SpecError) as caught:
        page(nets)
    assert [found.message.split("'")[1] for found in caught.value.diagnostics] == ["here", "there"]


# -- looks ---

STYLE = Path(__file__).parents[2] / "rescompile/html/templates/page.css"
TEXT = ("ink", "soft", "accent", "good", "fair", "bad")
CODE = ("comment", "keyword", "builtin", "defined", "number", "string")
GROUNDS = ("ground", "card", "raised")


def luminance(colour: str) -> float:
    parts = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_contrast_is_enough_in_both_themes(theme: int) -> None:
    """WCAG 2.2 AA: 4.5 for text, 3 for what a chart is made of, on whatever it may stand."""
    themes = re.findall(r":root \{(.*?)\}", STYLE.read_text("utf-8"), re.S)
    assert len(themes) == 2
    colours = dict(re.findall(r"--([a-z]+): (#[0-9a-f]{6});", themes[theme]))
    for text in (*TEXT, *CODE):
        for ground in GROUNDS:
            assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
    assert contrast(colours["bar"], colours["card"]) >= 3
    used = set(re.findall(r"var\(--([a-z]+)\)", STYLE.read_text("utf-8")))
    assert used <= set(colours)


def test_colours_stand_in_the_themes_alone() -> None:
    rest = re.sub(r":root \{.*?\}", "", STYLE.read_text("utf-8"), flags=re.S)
    assert not re.search(r"#[0-9a-fA-F]{3,8}\b|rgb|hsl", rest)


def test_the_page_is_the_same_bytes_again() -> None:
    specs, _ = PAGES["two"]
    assert page([open_spec(spec) for spec in specs]) == text("two")
